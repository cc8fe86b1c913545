import { endOfString, parseExactJson } from '../../core/exact-json.ts';

/** `notes` say what was made of what JSON does not have. */
export type ParsedText = { ok: true; value: unknown; notes: string[] } | { ok: false; fault: string };

/** Parses the bytes of a JSON file: UTF-8 or UTF-16, with a byte order mark or without. */
export function parseJsonBytes(bytes: Uint8Array): ParsedText {
  let text: string;
  try {
    text = new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes);
  } catch {
    return { ok: false, fault: 'its text is neither UTF-8 nor UTF-16: save it as UTF-8' };
  }
  return parseJsonText(text);
}

/** Every JSON file of ours begins with an ASCII character. The decoder takes a byte order mark away. */
function encodingOf([first, second]: Uint8Array): string {
  if ((first === 0xfe && second === 0xff) || first === 0) return 'utf-16be';
  return (first === 0xff && second === 0xfe) || second === 0 ? 'utf-16le' : 'utf-8';
}

/** Parses JSON as Python writes it: NaN and Infinity become null. Whole numbers keep all digits. */
export function parseJsonText(text: string): ParsedText {
  try {
    return { ok: true, value: parseExactJson(text), notes: [] };
  } catch (error) {
    const { replaced, count } = withoutNaN(text);
    if (count === 0) return { ok: false, fault: faultOf(text, error) };
    try {
      const places = count === 1 ? '1 place' : `${count} places`;
      const note = `NaN or Infinity, which JSON does not have, became null in ${places}`;
      return { ok: true, value: parseExactJson(replaced), notes: [note] };
    } catch {
      return { ok: false, fault: faultOf(text, error) };
    }
  }
}

function faultOf(text: string, error: unknown): string {
  const start = text.trimStart().slice(0, 200);
  if (start === '') return 'it is empty';
  if (/^<(?:!doctype|html|\?xml|head|body)/i.test(start)) {
    return 'it is a web page and no workflow: download the file itself (on GitHub: "Raw")';
  }
  return `it is not JSON: ${error instanceof Error ? error.message : String(error)}`;
}

function withoutNaN(text: string): { replaced: string; count: number } {
  const token = /"|-?\b(?:NaN|Infinity)\b/g;
  const parts: string[] = [];
  let copied = 0;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    if (found[0] === '"') {
      token.lastIndex = endOfString(text, found.index) + 1;
      continue;
    }
    parts.push(text.slice(copied, found.index), 'null');
    copied = token.lastIndex;
  }
  return { replaced: parts.join('') + text.slice(copied), count: parts.length / 2 };
}
