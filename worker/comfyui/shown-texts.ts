import type { Json } from '../../src/core/job.ts';

/** A longer list under another key than `text` is data for the editor, as a curve's histogram of 256 numbers is. */
const MOST_ITEMS = 100;

/**
 * What a node's answer (`ui`) says in words, one text for each item of its lists, empty ones too. Under `text`, which
 * is what nodes call what they show, everything is one; lists and objects as JSON. Under any other key texts and
 * numbers are, but not
 * - flags (`animated`), lists and objects, which are for the editor;
 * - numbers beside files, which describe them, and texts that end with the name of a file beside them: its path;
 * - pictures as Base64, which editors draw on (`bg_image`), and what stands under `result`, where 3D viewers put paths.
 *
 * `filenames`: of all files that the answer names.
 */
export function textsIn(answer: Json, classType: string | undefined, filenames: readonly string[]): string[] {
  if (answer === null || typeof answer !== 'object' || Array.isArray(answer)) return [];
  return Object.entries(answer).flatMap(([key, value]) => {
    const items = whole(Array.isArray(value) ? value : [value], classType);
    if (key === 'text') return items.flatMap((item) => (item === null ? [] : [asText(item)]));
    if (items.length > MOST_ITEMS) return [];
    return items.filter((item) => isSaid(item, key, filenames)).map(asText);
  });
}

function asText(item: Json): string {
  return typeof item === 'string' ? item : JSON.stringify(item);
}

function isSaid(item: Json, key: string, filenames: readonly string[]): boolean {
  if (typeof item === 'number') return filenames.length === 0;
  if (typeof item !== 'string' || key === 'result' || PICTURE_DATA.test(item)) return false;
  return !filenames.some((filename) => item.endsWith(filename));
}

/** A data URL, or how Base64 of a JPEG, PNG, GIF or WebP begins. */
const PICTURE_DATA = /^(?:data:[a-z]+\/|\/9j\/|iVBORw0KGgo|R0lGOD|UklGR)/;

/** Whether a class answers a bare text where a list belongs, in its own source. Of all others it is guessed. */
const ANSWERS_BARE_TEXT = new Map([
  ['DisplayAny', true],
  ['easy imageSizeBySide', true],
  ['easy imageSizeByLongerSide', true],
  ['PreviewAny', false],
  ['ShowText|pysssss', false],
  ['easy showAnything', false],
  ['Display Any (rgthree)', false],
]);

/** A list of each letter of the alphabet is the longest of single characters that anybody means. */
const MOST_CHARACTERS_MEANT = 26;

/** ComfyUI makes a list of whatever a node answers: a bare text falls apart into its characters. */
function whole(items: Json[], classType = ''): Json[] {
  const characters = items.filter((item) => typeof item === 'string' && item.length <= 2 && [...item].length === 1);
  if (items.length < 2 || characters.length < items.length) return items;
  const text = characters.join('');
  return (ANSWERS_BARE_TEXT.get(classType) ?? isRunningText(text)) ? [text] : items;
}

/**
 * Whether single characters are those of one text: there are more than anybody would list, or white space is among
 * them, or marks beside letters and digits, or letters with small ones in another order than the alphabet's. What is
 * left (`7`, `8`, `9`; `a`, `b`, `c`; `L`, `R`) is a list.
 */
function isRunningText(text: string): boolean {
  const characters = [...text];
  if (characters.length > MOST_CHARACTERS_MEANT || /\s/.test(text)) return true;
  if (/[\p{L}\p{N}]/u.test(text) && /[^\p{L}\p{M}\p{N}]/u.test(text)) return true;
  const sorted = characters.every((character, i) => i === 0 || character > (characters[i - 1] ?? ''));
  // Scripts without small letters have none that are not.
  return /[\p{Ll}\p{Lo}]/u.test(text) && !sorted;
}
