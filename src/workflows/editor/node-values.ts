import type { Json } from '../../core/job.ts';
import type { NodeClass } from '../../core/node-definitions.ts';
import { isObject } from '../../core/objects.ts';
import { type ClassInputs, isWidget, type Place, readClassInputs } from './class-inputs.ts';
import type { EditorNode } from './workflow-file.ts';

export interface NodeValues extends ClassInputs {
  /** Values of widgets that the class does not declare and its page makes. */
  extra: Map<string, Json>;
  /** A widget whose value is of another type, and that value: the file was made for another version of the class. */
  misfit: { widget: string; value: Json } | null;
}

/**
 * The values of a node's widgets. They stand in a list by position; newer files have them by name too, which are taken
 * where the list does not fit the class: it has changed since. Then again people edit the list alone, so that it counts
 * as long as it fits.
 */
export function readNodeValues(className: string, known: NodeClass, node: EditorNode): NodeValues {
  if (isObject(node.values)) return readByName(className, known, new Map(Object.entries(node.values as Values)));
  const values = Array.isArray(node.values) ? (node.values as Json[]) : [];
  const byPosition = readByPosition(className, known, withoutForcedInputs(known, values));
  if (node.namedValues.size === 0 || (byPosition.isWhole && !byPosition.misfit)) return byPosition;
  return { ...readByName(className, known, node.namedValues), extra: new Map() };
}

type Values = { [name: string]: Json };

function readByPosition(
  className: string,
  known: NodeClass,
  values: readonly Json[],
): NodeValues & { isWhole: boolean } {
  let at = 0;
  let misfit: NodeValues['misfit'] = null;
  const read = readClassInputs(className, known, (place) => {
    const value = values[at++];
    if (value !== undefined && !fits(place, value)) {
      misfit ??= { widget: place.kind === 'widget' ? place.name : 'control_after_generate', value };
    }
    return value;
  });
  return { ...read, extra: pageValues(className, values), misfit, isWhole: values.length >= at };
}

function readByName(className: string, known: NodeClass, values: ReadonlyMap<string, Json>): NodeValues {
  const read = readClassInputs(className, known, (place) =>
    place.kind === 'widget' ? values.get(place.name) : undefined,
  );
  // Objects are what the page remembers of itself.
  const extra = [...values].filter(([name, value]) => !known.inputs.has(name) && !isObject(value));
  return { ...read, extra: new Map(extra), misfit: null };
}

/** Files of before 2025 have a value for each input that only takes links, which tells them apart by their number. */
function withoutForcedInputs({ inputs }: NodeClass, values: readonly Json[]): readonly Json[] {
  const isKept = [...inputs.values()].flatMap(({ spec }) => {
    const isForced = spec.shown?.forceInput === true;
    if (!isForced && !isWidget(spec)) return [];
    return spec.shown?.control === undefined || spec.shown.control === false ? [!isForced] : [!isForced, true];
  });
  return isKept.includes(false) && isKept.length === values.length ? values.filter((_, at) => isKept[at]) : values;
}

const CONTROLS = /^(?:fixed|increment|increment-wrap|decrement|randomize)$/;

export function fits(place: Place, value: Json): boolean {
  if (value === null || place.kind === 'page') return true;
  if (place.kind === 'control')
    return typeof value === 'boolean' || (typeof value === 'string' && CONTROLS.test(value));
  switch (place.spec.kind) {
    case 'INT':
    case 'FLOAT':
      // Long numbers are texts of their digits.
      return typeof value === 'number' || (typeof value === 'string' && /^-?\d{16,}$/.test(value));
    case 'STRING':
      return typeof value === 'string';
    case 'BOOLEAN':
      return typeof value === 'boolean';
    case 'COMBO':
      return place.spec.options.length === 0 || place.spec.options.some((option) => typeof option === typeof value);
    case 'DYNAMIC':
      return place.spec.options?.some(({ key }) => key === value) ?? true;
    default:
      return true;
  }
}

/** What the pages of three classes make of their values, which the server takes without declaring it. */
function pageValues(className: string, values: readonly Json[]): Map<string, Json> {
  if (className === 'CustomCombo') {
    const [choice = '', , ...options] = values;
    return new Map<string, Json>([
      ['index', options.indexOf(choice)],
      ...options.map((option, at): [string, Json] => [`option${at + 1}`, option]),
    ]);
  }
  if (className === 'Power Lora Loader (rgthree)') {
    const rows = values.filter((value) => isObject(value) && 'lora' in value);
    return new Map(rows.map((row, at) => [`lora_${at + 1}`, row]));
  }
  return new Map();
}
