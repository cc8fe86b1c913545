import type { Json } from '../../core/job.ts';
import { defaultOf, type InputSpec, type NamedInput, type NodeClass } from '../../core/node-definitions.ts';

/** Types whose inputs are widgets: they hold a value of their own while nothing is linked to them. */
const WIDGET_TYPE = new RegExp(
  `^(?:${[
    'INT|FLOAT|BOOLEAN|STRING|COMBO|COLORS?|CURVE|RANGE|BOUNDING_BOX(?:ES)?|PAINTER|IMAGECOMPARE|VIDEO_EDIT',
    'COMPOSITOR|TEXTAREA|MARKDOWN|CHART|GALLERIA|LOAD_3D\\w*|WEBCAM|AUDIO_RECORD|AUDIO_UI|COMFY_DYNAMICCOMBO_V3',
  ].join('|')})$`,
);

/** What stands in a file's list of values, in its order. */
export type Place =
  | { kind: 'widget'; name: string; spec: InputSpec }
  /** Says how the value before it changes after each run. */
  | { kind: 'control' }
  /** Text and buttons of the editor's own. */
  | { kind: 'page' };

export interface Socket {
  name: string;
  /** A comma list, where it takes several; `*` for any. */
  type: string;
  /** Whether any number of inputs `<name>.<theirs>` are meant. */
  growing: boolean;
}

export interface ClassInputs {
  widgets: Map<string, { spec: InputSpec; value: Json | undefined }>;
  sockets: Socket[];
  /** Names of dynamic inputs: what begins with one of them and is no input has gone. */
  dynamic: string[];
}

/**
 * Reads the widgets of a node. `take` is called for each place, in the order of the file's values, and returns the
 * value that is there: an option that is chosen may bring widgets of its own, whose places follow.
 */
export function readClassInputs(
  className: string,
  { inputs }: NodeClass,
  take: (place: Place) => Json | undefined,
): ClassInputs {
  const read: ClassInputs = { widgets: new Map(), sockets: [], dynamic: [] };
  for (const [name, input] of inputs) readInput({ name, ...input }, '', className, take, read);
  return read;
}

function readInput(
  { name: own, spec }: NamedInput,
  prefix: string,
  className: string,
  take: (place: Place) => Json | undefined,
  read: ClassInputs,
): void {
  const name = `${prefix}${own}`;
  if (spec.kind === 'DYNAMIC') read.dynamic.push(name);
  if (!isWidget(spec)) {
    read.sockets.push({ name, type: socketType(spec), growing: spec.kind === 'DYNAMIC' });
    return;
  }
  const type = editedType(spec);
  // The one widget that is no part of the values, and is exported all the same.
  const taken = type === 'IMAGECOMPARE' ? ['', ''] : take({ kind: 'widget', name, spec });
  const usual = taken === undefined ? defaultOf(spec) : taken;
  const value = usual === null && spec.kind === 'COMBO' ? (spec.options[0] ?? null) : usual;
  read.widgets.set(name, { spec, value });
  if (hasControl(own, spec, prefix !== '')) {
    take({ kind: 'control' });
    // A list has the text that it is filtered by, too.
    if (type === 'COMBO') take({ kind: 'page' });
  }
  const buttons = PAGE_PLACES.get(`${className}.${name}`) ?? 0;
  for (let at = 0; at < buttons; at++) take({ kind: 'page' });
  if (spec.kind !== 'DYNAMIC') return;
  const chosen = spec.options?.find(({ key }) => key === value);
  for (const each of chosen?.inputs ?? []) readInput(each, `${name}.`, className, take, read);
}

/** Buttons of the editor that stand between values, by the input that they follow. Those at the end need no place. */
const PAGE_PLACES = new Map([['Load3D.model_file', 3]]);

/** Whether an input holds a value of its own. */
export function isWidget(spec: InputSpec): boolean {
  return spec.shown?.forceInput !== true && WIDGET_TYPE.test(editedType(spec));
}

function editedType(spec: InputSpec): string {
  return spec.shown?.widget ?? typeOf(spec);
}

/** The type by which an input is declared. */
export function typeOf(spec: InputSpec): string {
  switch (spec.kind) {
    case 'LINK':
      return spec.type;
    case 'OWN':
      return spec.type ?? 'COMBO';
    case 'DYNAMIC':
      return spec.options ? 'COMFY_DYNAMICCOMBO_V3' : 'COMFY_AUTOGROW_V3';
    default:
      return spec.kind;
  }
}

/** What can be linked to it. */
export function socketType(spec: InputSpec): string {
  if (spec.kind === 'DYNAMIC' && spec.each) return socketType(spec.each);
  return spec.kind === 'LINK' ? (spec.allowed ?? spec.type) : typeOf(spec);
}

/** Every whole number called a seed has it, unless its class says otherwise; not those behind dynamic inputs. */
function hasControl(name: string, spec: InputSpec, isNested: boolean): boolean {
  const { control } = spec.shown ?? {};
  const type = editedType(spec);
  if (!isNested && type === 'INT' && /^(?:noise_)?seed$/.test(name)) return control !== false;
  return /^(?:INT|FLOAT|COMBO)$/.test(type) && control !== undefined && control !== false;
}
