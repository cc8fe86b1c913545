import type { NodeDefinitions } from '../../core/node-definitions.ts';
import { nodeNames } from './names.ts';
import type { Wiring } from './wiring.ts';

/** Inputs that say what is done with a result: whether it is kept, or shown only. */
const KEEPS = /^(?:save|save_?(?:output|image|video|audio|file|result)s?|save_to_(?:disk|output)|output_to_disk)$/i;
const MODE = /^(?:image_output|output_(?:type|mode)|save_(?:mode|type)|mode)$/i;
const SHOWN_ONLY = /^(?:preview(?: only)?|hide|none|temp(?:orary)?|disabled?|off|no)$/i;
/** Inputs that name the file that is written. */
const FILE_NAME = /prefix|^file_?name|^(?:output|save)_(?:path|dir|directory|folder|name)/i;
const VIEWER = /preview|compar|viewer/i;

type Leaves = 'files' | 'temporary' | 'unknown';

/**
 * The nodes that a manifest has to name as its `outputs`, since what they leave is temporary and nothing else is left:
 * previews, and nodes that are told not to save. Null where something is saved. `notes` name what is not delivered, or
 * where nothing says whether it is saved.
 */
export function findOutputs(
  wiring: Wiring,
  nodeDefinitions: NodeDefinitions,
): { outputs: { node: string }[] | null; notes: string[] } {
  const makers = wiring.ids.filter((id) => {
    const known = nodeDefinitions.get(wiring.node(id)?.class_type ?? '');
    return known ? known.outputNode : wiring.users(id).length === 0;
  });
  const which = (wanted: Leaves) => makers.filter((id) => leaves(wiring, nodeDefinitions, id) === wanted);
  const [saving, temporary, unknown] = [which('files'), which('temporary'), which('unknown')];
  if (saving.length > 0) {
    const told = temporary.filter((id) => isToldNotTo(wiring, id));
    const note = `${nodeNames(wiring, told)} saves nothing, and is delivered only where outputs names it`;
    return { outputs: null, notes: told.length > 0 ? [note] : [] };
  }
  if (temporary.length > 0) return { outputs: [...temporary, ...unknown].map((node) => ({ node })), notes: [] };
  const unsure = unknown.filter((id) => !wiring.isKnown(id));
  const whether = `whether ${nodeNames(wiring, unsure)} saves what it makes is not known`;
  const notes = unsure.length > 0 ? [`${whether}; if jobs end as NO_OUTPUT, name it in outputs`] : [];
  return { outputs: null, notes };
}

function leaves(wiring: Wiring, nodeDefinitions: NodeDefinitions, id: string): Leaves {
  const classType = wiring.node(id)?.class_type ?? '';
  if (isToldNotTo(wiring, id)) return 'temporary';
  const known = nodeDefinitions.get(classType);
  const inputs = [...new Set([...wiring.inputs(id), ...(known?.inputs.keys() ?? [])])];
  if (VIEWER.test(classType)) return 'temporary';
  if (/save/i.test(classType) || inputs.some((input) => FILE_NAME.test(input))) return 'files';
  // What only looks at what others have made, and gives nothing on.
  const looks = known?.outputs.length === 0 && [...known.inputs.values()].every(({ spec }) => spec.kind === 'LINK');
  return looks ? 'temporary' : 'unknown';
}

function isToldNotTo(wiring: Wiring, node: string): boolean {
  return wiring.inputs(node).some((input) => {
    const value = wiring.literal({ node, input })?.value;
    if (KEEPS.test(input)) return value === false || (typeof value === 'string' && SHOWN_ONLY.test(value));
    return MODE.test(input) && typeof value === 'string' && SHOWN_ONLY.test(value);
  });
}
