import type { IssueHints } from '../core/errors.ts';
import type { Choice } from './catalogue.ts';
import { quote } from './issues.ts';

/** A message lists all choices when they fit into this many characters. */
const LISTED_CHARACTERS = 1200;
const COMPARED_CHARACTERS = 64;

/**
 * Turns ComfyUI's name into a GraphQL enum name: upper case, with _ for other characters and before a leading digit.
 */
function enumName(label: string): string {
  return label
    .toUpperCase()
    .replace(/[^A-Z0-9_]/g, '_')
    .replace(/^(?=\d)/, '_');
}

/** Parses the choices of a manifest: each is ComfyUI's name, or a pair of a GraphQL name and ComfyUI's name. */
export function toChoices(declared: readonly (string | readonly [string, string])[]): Choice[] {
  return declared.map((choice) => {
    const [value, label] = typeof choice === 'string' ? [enumName(choice), choice] : choice;
    return { value, label };
  });
}

/** The message for a value that is not among the choices. It names the nearest choices, and all where they are few. */
export function notAChoice(given: string, choices: readonly string[]): string {
  if (choices.length === 0) return `${quote(given)} is not a choice. There is none`;
  const near = nearestChoices(given, choices);
  const hint = near.length > 0 ? `; did you mean ${orList(near)}?` : '';
  const all = choices.join(', ');
  const listed = all.length <= LISTED_CHARACTERS ? ` Choices: ${all}` : ` There are ${choices.length} choices`;
  return `${quote(given)} is not a choice${hint || '.'}${listed}`;
}

/** The message for a class of nodes that a server does not have. It names the nearest ones: there are thousands. */
export function noSuchClass(given: string, classes: readonly string[]): string {
  const near = nearestChoices(given, classes);
  return `the server has no class ${quote(given)}${near.length > 0 ? `; did you mean ${orList(near)}?` : ''}`;
}

/** A value that is not among the choices, for a form. */
export function choiceHints(given: string, choices: readonly string[]): IssueHints {
  return { choices, ...suggestionOf(given, choices) };
}

/** The name that was likely meant, for a form; nothing where none is near. */
export function suggestionOf(given: unknown, names: readonly string[]): IssueHints {
  const [suggestion] = typeof given === 'string' ? nearestChoices(given, names) : [];
  return suggestion === undefined ? {} : { suggestion };
}

/** Up to three choices that the caller may have meant, the likeliest first. */
export function nearestChoices(given: string, choices: readonly string[]): string[] {
  const wanted = given.slice(0, COMPARED_CHARACTERS).toUpperCase();
  const limit = Math.max(1, Math.floor(wanted.length * 0.4));
  return choices
    .map((choice) => ({ choice, away: distance(wanted, choice.slice(0, COMPARED_CHARACTERS).toUpperCase(), limit) }))
    .filter(({ away }) => away <= limit)
    .sort((a, b) => a.away - b.away)
    .slice(0, 3)
    .map(({ choice }) => choice);
}

/** The Levenshtein distance of two texts. Results above `limit` are not exact. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    if (Math.min(...current) > limit) return limit + 1;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

function orList(items: string[]): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} or ${last}`;
}
