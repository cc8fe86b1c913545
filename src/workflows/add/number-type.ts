import type { InputSpec } from '../../core/node-definitions.ts';
import type { Place, Wiring } from './wiring.ts';

const FLOAT_CLASS = /(?:^|[^a-z])(?:float|double|decimal)(?![a-z])/i;
const INT_CLASS = /(?:^|[^a-z])int(?:eger)?(?![a-z])/i;

/**
 * Whether an input takes whole numbers only: by its class, else by what the class is called (`FloatConstant`), else by
 * the inputs that its value goes to. Null where none of them says: the value itself does not, for an editor writes a
 * FLOAT of 1 as 1.
 */
export function numberType(wiring: Wiring, at: Place): 'int' | 'float' | null {
  const own = kindOf(wiring.spec(at));
  if (own || wiring.isKnown(at.node)) return own;
  const words = (wiring.node(at.node)?.class_type ?? '').replace(/([a-z])(?=[A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$2 ');
  if (FLOAT_CLASS.test(words)) return 'float';
  if (INT_CLASS.test(words)) return 'int';
  const kinds = wiring.users(at.node).map((user) => kindOf(wiring.spec(user)));
  if (kinds.includes('float')) return 'float';
  return kinds.length > 0 && kinds.every((kind) => kind === 'int') ? 'int' : null;
}

function kindOf(spec: InputSpec | undefined): 'int' | 'float' | null {
  const type = spec?.kind === 'LINK' ? spec.type : spec?.kind;
  return type === 'INT' ? 'int' : type === 'FLOAT' ? 'float' : null;
}
