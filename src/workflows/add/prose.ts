import { isAny, ownName } from './declared.ts';
import type { Literal, Place, Wiring } from './wiring.ts';

/** What a text is for, as far as the input's own name says. `system`: it says how to read the others. */
export type TextRole = 'positive' | 'negative' | 'system' | 'lyrics' | null;

/** Inputs for texts that people write, where the class does not say so. */
const PROSE = new RegExp(
  String.raw`prompt|^(?:\w+_)?(?:text|caption|tags|lyrics|speech)(?:_?(?:\w|pos(?:itive)?|neg(?:ative)?|input))?$` +
    String.raw`|^(?:positive|negative|description|string|clip_[lg]|t5xxl)(?:_?\w)?$`,
  'i',
);
/** Inputs for texts that programs read. */
const CODE = new RegExp(
  'regex|pattern|^find$|^replace$|expression|shader|code|(?<!de)script|json|coords|tracks|path|file|folder|url|token' +
    '|separator|delimiter|exclu|ignor|blacklist',
  'i',
);
/** What a node showed the last time it ran, beside the link that it shows: `text_0` beside `text`. */
const ECHO = /^(.+)_\d+$/;

export function roleByName(input: string): TextRole {
  const name = ownName(input);
  if (/system|^instructions?$/i.test(name)) return 'system';
  if (/^lyrics/i.test(name)) return 'lyrics';
  return sideOf(name);
}

/** The side of an input or output for a prompt: `positive` or `negative` by its name. */
export function sideOf(name: string): 'positive' | 'negative' | null {
  if (/(?:^|[^a-z])(?:neg|uncond)(?![a-z])|negative|-$/i.test(name)) return 'negative';
  return /(?:^|[^a-z])pos(?![a-z])|positive|\+$/i.test(name) ? 'positive' : null;
}

/** Whether a name is one of inputs for texts that people write. */
export function isProseName(input: string): boolean {
  return PROSE.test(ownName(input)) && !CODE.test(ownName(input));
}

/** Whether an input takes a text that people write, by hand or by a link to a text. */
export function isProse(wiring: Wiring, at: Place): boolean {
  const value = wiring.node(at.node)?.inputs[at.input];
  const from = wiring.link(at);
  if ((typeof value !== 'string' && !from) || CODE.test(ownName(at.input))) return false;
  if (wiring.isKnown(at.node)) {
    const spec = wiring.spec(at);
    if (spec?.kind !== 'STRING') return false;
    return spec.multiline === true || isProseName(at.input);
  }
  if (isEcho(wiring, at) || !isProseName(at.input)) return false;
  return !from || typeOf(wiring, from) === 'STRING' || isText(wiring.literal(at));
}

/** Whether a class that is not known, or does not declare the input, has written there what it showed. */
export function isEcho(wiring: Wiring, { node, input }: Place): boolean {
  if (wiring.spec({ node, input })) return false;
  if (wiring.isKnown(node)) return true;
  const [, shown] = ECHO.exec(input) ?? [];
  return shown !== undefined && wiring.link({ node, input: shown }) !== null;
}

/** A text set by hand that flows into an input. */
export interface TextSource {
  literal: Literal;
  /** How many nodes are between. */
  distance: number;
}

/** Prompts are made by a dozen nodes, in templates of ComfyUI; more than these are not looked at for one input. */
const MOST_NODES = 100;

/**
 * The texts that flow into an input, the nearest first: its own, or those that nodes before it join, replace, choose
 * or write anew.
 */
export function textsBehind(wiring: Wiring, at: Place): TextSource[] {
  const found: TextSource[] = [];
  const seen = new Set<string>([at.node]);
  let places = [at];
  for (let distance = 0; places.length > 0; distance++) {
    const next: Place[] = [];
    for (const place of places) {
      const literal = wiring.literal(place);
      if (literal) {
        if (isWritten(wiring, literal)) found.push({ literal, distance });
        continue;
      }
      const from = wiring.link(place);
      if (!from || seen.has(from.node) || seen.size > MOST_NODES || !mayBeText(wiring, from)) continue;
      seen.add(from.node);
      next.push(...textInputs(wiring, from.node));
    }
    places = next;
  }
  return found;
}

/** The inputs of a node that makes a text from which the text is made. */
function textInputs(wiring: Wiring, id: string): Place[] {
  const places = wiring.inputs(id).map((input) => ({ node: id, input }));
  const isLabel = places.some((place) => isChosen(wiring, place));
  return places.filter((place) => {
    if (!wiring.link(place)) return !isLabel && roleByName(place.input) !== 'system' && isProse(wiring, place);
    const spec = wiring.spec(place);
    if (wiring.isKnown(id)) {
      return spec?.kind === 'STRING' || (spec?.kind === 'LINK' && (spec.type === 'STRING' || isAny(spec.type)));
    }
    return places.length === 1 || isProse(wiring, place) || isText(wiring.literal(place));
  });
}

/** Whether an input gets a choice or number as a text, of which the text beside it only says what it is. */
function isChosen(wiring: Wiring, at: Place): boolean {
  const literal = wiring.link(at) && wiring.literal(at);
  return literal !== null && !isWritten(wiring, literal);
}

/** Whether a value is a text, and not one of several choices. */
function isWritten(wiring: Wiring, { place, value }: Literal): boolean {
  const spec = wiring.spec(place);
  return typeof value === 'string' && (spec === undefined || spec.kind === 'STRING' || spec.kind === 'LINK');
}

function mayBeText(wiring: Wiring, from: { node: string; slot: number }): boolean {
  const type = typeOf(wiring, from);
  return type === null || type === 'STRING' || isAny(type);
}

function typeOf(wiring: Wiring, { node, slot }: { node: string; slot: number }): string | null {
  return wiring.outputs(node)?.[slot]?.type ?? null;
}

function isText(literal: Literal | null): boolean {
  return typeof literal?.value === 'string';
}
