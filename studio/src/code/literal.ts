const WIDTH = 90;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** Source that stands for a value as it is, such as a call in an object. */
export class Source {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * A JSON value as somebody would write it in JavaScript: single quotes, no quotes around names, on one line where it
 * fits. `indent`: that of the line it stands in. What is undefined is left out.
 */
export function toLiteral(value: unknown, indent = ''): string {
  const line = oneLine(value);
  if (indent.length + line.length <= WIDTH && !line.includes('\n')) return line;
  const deeper = `${indent}  `;
  if (Array.isArray(value) && value.length > 0) {
    return `[\n${value.map((each) => `${deeper}${toLiteral(each, deeper)},\n`).join('')}${indent}]`;
  }
  if (isRecord(value)) {
    const fields = given(value).map(([name, each]) => `${deeper}${key(name)}: ${toLiteral(each, deeper)},\n`);
    return `{\n${fields.join('')}${indent}}`;
  }
  return line;
}

function oneLine(value: unknown): string {
  if (value instanceof Source) return value.text;
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  if (!isRecord(value)) return JSON.stringify(value ?? null);
  const fields = given(value).map(([name, each]) => `${key(name)}: ${oneLine(each)}`);
  return fields.length > 0 ? `{ ${fields.join(', ')} }` : '{}';
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !(value instanceof Source);

const given = (record: Record<string, unknown>) => Object.entries(record).filter(([, each]) => each !== undefined);

const key = (name: string) => (IDENTIFIER.test(name) ? name : text(name));

/** JSON's escapes are JavaScript's; only the quotes differ. */
function text(value: string): string {
  const inside = JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${inside}'`;
}
