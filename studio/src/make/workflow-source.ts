/** Browsers tell how a number was written since 2023 to 2025, TypeScript does not know yet. */
type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

/** Seeds of 64 bits are kept to the last digit, as texts, which the API takes for them. */
const keepDigits: Reviver = (_key, value, context) =>
  typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
    ? (context?.source ?? value)
    : value;

/** The JSON of a workflow file. Rejects what is none, with a message for whoever chose the file. */
export async function readGraph(file: File): Promise<unknown> {
  try {
    return JSON.parse(await file.text(), keepDigits);
  } catch (error) {
    throw new Error(`${file.name} is no JSON: ${(error as Error).message}`);
  }
}

/** A name for the workflow of a file: `My portrait (v2).json` is `myPortraitV2`. */
export function nameOfFile(filename: string): string {
  const words = filename.replace(/\.[^.]*$/, '').match(/[A-Za-z0-9]+/g) ?? [];
  const joined = words
    .map((word, i) => (i === 0 ? word.charAt(0).toLowerCase() : word.charAt(0).toUpperCase()) + word.slice(1))
    .join('')
    .replace(/^[0-9]+/, '')
    .slice(0, 60);
  return joined === '' ? 'workflow' : joined.charAt(0).toLowerCase() + joined.slice(1);
}
