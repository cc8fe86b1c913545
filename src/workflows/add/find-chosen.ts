import type { AppMode } from '../editor/app-mode.ts';
import type { Finding, Takes } from './finding.ts';
import { nodeNames } from './names.ts';
import { camelCase } from './rules.ts';
import { keyOf, type Literal, type Wiring } from './wiring.ts';

/** Names that are made of a title are at most so long: a whole sentence is no name. */
const NAME_LENGTH = 40;
/** Names of inputs that only hold a value or a choice: what that is for says their node or what it goes to. */
const SAYS_NOTHING = /^(?:value|choice|source|input|any|[a-z])$/i;
const MOST_NAMED = 8;

/**
 * The inputs that the author of a workflow chose in App mode, in that order, and no others. What each is for is known
 * as elsewhere (`found`), what it takes is as its class declares it, and its name is the author's. An app has a value
 * for everything; here the main prompt and input files have to be given all the same, for a call without would make
 * the author's example, or look for a file that only the author has.
 */
export function findChosen(
  app: AppMode,
  wiring: Wiring,
  found: readonly Finding[],
  anything: (literal: Literal) => Finding,
): { findings: Finding[]; notes: string[] } {
  const findings: Finding[] = [];
  const without: string[] = [];
  const taken = new Set<string>();
  for (const { name, title, targets } of app.inputs) {
    const literals = targets.flatMap((at) => wiring.literal(at) ?? []).filter(({ place }) => !taken.has(keyOf(place)));
    const [first] = literals;
    if (!first) {
      without.push(title ?? name);
      continue;
    }
    const alike = literals.filter(({ value }) => typeof value === typeof first.value);
    const places = new Map(alike.map(({ place }) => [keyOf(place), place]));
    for (const key of places.keys()) taken.add(key);
    const known = found.find((finding) => finding.places.some((place) => keyOf(place) === keyOf(first.place)));
    const finding = known ?? anything(first);
    const { value, at } = first;
    findings.push({
      ...finding,
      name: nameOf(title) || (SAYS_NOTHING.test(name) && known?.name) || nameOf(name) || 'value',
      ...(title !== null && { title }),
      takes: withoutUsual(finding.takes),
      value,
      at: known?.at ?? at,
      places: [...places.values()],
      sameAs: null,
      chosen: true,
    });
  }
  const named = without.slice(0, MOST_NAMED).map((it) => JSON.stringify(it.slice(0, 60)));
  const more = without.length > named.length ? ` and ${without.length - named.length} more` : '';
  const unset = `inputs of the app that have no value of their own are left out: ${named.join(', ')}${more}`;
  return { findings, notes: [...(without.length > 0 ? [unset] : []), ...filesLeft(wiring, found, taken)] };
}

/** Files that the app does not ask for have to be on every server. */
function filesLeft(wiring: Wiring, found: readonly Finding[], taken: ReadonlySet<string>): string[] {
  const files = found.filter(({ takes, places }) => {
    return takes.type === 'file' && !places.some((place) => taken.has(keyOf(place)));
  });
  const nodes = nodeNames(
    wiring,
    files.map(({ at }) => at.node),
  );
  return files.length > 0 ? [`the app does not ask for the files of ${nodes}: they have to be on every server`] : [];
}

/** `''` where a title is no name: too long, or in other letters. */
function nameOf(text: string | null): string {
  const name = camelCase(text ?? '');
  return name.length > NAME_LENGTH || /^\d/.test(name) ? '' : name;
}

/** The author has decided what is to be set: only the class limits it. */
function withoutUsual(takes: Takes): Takes {
  return takes.type === 'int' || takes.type === 'float' ? { type: takes.type } : takes;
}
