import { nodeNames } from './names.ts';
import { keyOf, type Place, type Wiring } from './wiring.ts';

/** What lists of models have for none. */
export const NO_MODEL = /^\W*(?:none|null|undefined|empty|off|disabled)?\W*$/i;
const MODEL_INPUT = /lora|model|_name/i;
const STRENGTH_INPUT = /strength|weight|(?:^|_)(?:wt|str)(?:_|$)/i;
const SWITCH = /^(?:switch|on|enabled?|active|toggle|use)$/i;
const NUMBER = /_?(\d+)(?!.*\d)/;

/**
 * Finds the slots of models that are empty. Inputs with the same number in their names (or with none) are a slot, and
 * it is empty where the model that it names is none, or where it is switched off: what its strengths are changes
 * nothing. `has` says whether a place is one of their models and strengths.
 */
export function findEmptySlots(wiring: Wiring): { has(place: Place): boolean; notes: string[] } {
  const found = wiring.ids.flatMap((node) => emptyInputs(wiring, node).map((input) => ({ node, input })));
  const keys = new Set(found.map(keyOf));
  const nodes = nodeNames(
    wiring,
    found.map(({ node }) => node),
  );
  return {
    has: (place) => keys.has(keyOf(place)),
    notes: found.length > 0 ? [`empty slots of ${nodes} get no parameters`] : [],
  };
}

function emptyInputs(wiring: Wiring, node: string): string[] {
  const slots = new Map<string, string[]>();
  for (const input of wiring.inputs(node)) {
    const slot = NUMBER.exec(input)?.[1] ?? '';
    slots.set(slot, [...(slots.get(slot) ?? []), input]);
  }
  const values = wiring.node(node)?.inputs ?? {};
  return [...slots.values()].flatMap((inputs) => {
    const named = inputs.filter((input) => MODEL_INPUT.test(input) && typeof values[input] === 'string');
    const loras = named.filter((input) => /lora/i.test(input));
    const models = loras.length > 0 ? loras : named;
    const strengths = inputs.filter((input) => STRENGTH_INPUT.test(input) && typeof values[input] === 'number');
    if (models.length === 0 || strengths.length === 0) return [];
    const isEmpty = models.every((input) => NO_MODEL.test(String(values[input])));
    return isEmpty || inputs.some((input) => isOff(input, values[input])) ? [...models, ...strengths] : [];
  });
}

function isOff(input: string, value: unknown): boolean {
  if (!SWITCH.test(input.replace(NUMBER, ''))) return false;
  return value === false || (typeof value === 'string' && /^(?:off|disabled?|false|no)$/i.test(value));
}
