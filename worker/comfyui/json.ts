/** Strings are matched first, so that what stands inside of them is left alone. */
const STRING_OR_BARE_NUMBER = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/** JSON as Python writes it: a bare NaN or Infinity is read as null. Throws SyntaxError. */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!/NaN|Infinity/.test(text)) throw cause;
    return JSON.parse(text.replace(STRING_OR_BARE_NUMBER, (found) => (found.startsWith('"') ? found : 'null')));
  }
}

/** The same; undefined where it is no JSON. */
export function tryParsePythonJson(text: string): unknown {
  try {
    return parsePythonJson(text);
  } catch {
    return undefined;
  }
}
