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

/**
 * Parses JSON, and what is nearly: NaN and Infinity, as Python writes them, become null, and placeholders without
 * quotes, as templates have them, texts. Whole numbers keep all digits.
 */
export function parseJsonText(text: string): ParsedText {
  try {
    return { ok: true, value: parseExactJson(text), notes: [] };
  } catch (error) {
    const mended = mend(text);
    if (mended.notes.length === 0) return { ok: false, fault: faultOf(text, error) };
    try {
      return { ok: true, value: parseExactJson(mended.text), notes: mended.notes };
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

/** What JSON does not have outside of texts: the numbers of Python, and `%name%`, `{{name}}`, `${name}`. */
const TOKEN = /"|-?\b(?:NaN|Infinity)\b|%\w+%|\{\{\s*[\w.]+\s*\}\}|\$\{[\w.]+\}/g;

function mend(text: string): { text: string; notes: string[] } {
  const token = new RegExp(TOKEN);
  const parts: string[] = [];
  const placeholders = new Set<string>();
  let [copied, numbers] = [0, 0];
  for (let found = token.exec(text); found; found = token.exec(text)) {
    const [shown] = found;
    if (shown === '"') {
      token.lastIndex = endOfString(text, found.index) + 1;
      continue;
    }
    const isNumber = /^-?[NI]/.test(shown);
    if (isNumber) numbers += 1;
    else placeholders.add(shown);
    parts.push(text.slice(copied, found.index), isNumber ? 'null' : JSON.stringify(shown));
    copied = token.lastIndex;
  }
  const places = numbers === 1 ? '1 place' : `${numbers} places`;
  const named = [...placeholders].slice(0, 5).join(', ');
  return {
    text: parts.join('') + text.slice(copied),
    notes: [
      ...(numbers > 0 ? [`NaN or Infinity, which JSON does not have, became null in ${places}`] : []),
      ...(placeholders.size > 0 ? [`placeholders without quotes became texts: ${named}`] : []),
    ],
  };
}
