import { badInput, GatewayError, type InputIssue } from '../core/errors.ts';
import { isObject } from '../core/objects.ts';
import type { DataUploads } from '../uploads/data-uploads.ts';
import type { Workflow } from '../workflows/catalogue.ts';
import type { McpCall } from './services.ts';

type Input = { [name: string]: unknown };
type Path = (string | number)[];

const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
const DATA_URL = /^data:[\w.+/-]{0,100}(?:;[\w=.-]{1,100})*;base64,/;
/** Of one call; each is stored before the job is made. */
const MOST_FILES = 16;

/**
 * The input with each file that came as data stored, and named as an upload. `path` is that of the input in issues.
 * Rejects with BAD_USER_INPUT, and as uploads do.
 */
export async function storeInputFiles(
  { parameters }: Workflow,
  input: Input,
  path: readonly string[],
  call: McpCall,
  dataUploads: DataUploads,
): Promise<Input> {
  const found: { value: Input; path: Path; replace: (file: object) => void }[] = [];
  const stored: Input = { ...input };
  for (const { name, type, list } of parameters) {
    const given = input[name];
    if (type !== 'FILE') continue;
    if (list && Array.isArray(given)) {
      const items: unknown[] = [...given];
      stored[name] = items;
      for (const [i, item] of given.entries()) {
        if (hasData(item)) found.push({ value: item, path: [...path, name, i], replace: (file) => (items[i] = file) });
      }
    } else if (hasData(given)) {
      found.push({ value: given, path: [...path, name], replace: (file) => (stored[name] = file) });
    }
  }
  if (found.length > MOST_FILES) {
    throw badInput([{ path: [...path], message: `expected at most ${MOST_FILES} files as data`, code: 'too_big' }]);
  }
  const parsed = found.map((each) => ({ ...each, bytes: bytesOf(each.value, each.path) }));
  const { identity, requestId, address, client } = call;
  for (const { bytes, replace, path: at } of parsed) {
    const upload = await dataUploads.put({ identity, requestId, address, client, bytes }).catch((error: unknown) => {
      if (!(error instanceof GatewayError) || error.details.code !== 'BAD_USER_INPUT') throw error;
      throw badInput(error.details.issues.map((issue) => ({ ...issue, path: [...at, 'data'] })));
    });
    replace({ upload });
  }
  return stored;
}

function hasData(value: unknown): value is Input {
  return isObject(value) && 'data' in value && value.data !== null && value.data !== undefined;
}

function bytesOf({ data, ...others }: Input, path: Path): Buffer {
  const fault = (code: InputIssue['code'], message: string) => badInput([{ path: [...path, 'data'], code, message }]);
  const besides = Object.keys(others).filter((key) => others[key] !== null && others[key] !== undefined);
  if (besides.length > 0) throw fault('one_of', `expected exactly one of data, ${besides.join(', ')}`);
  if (typeof data !== 'string') throw fault('invalid_type', 'expected a file in base64');
  const text = data.replace(DATA_URL, '').replace(/\s/g, '');
  if (!BASE64.test(text)) throw fault('invalid_string', 'expected a file in base64');
  return Buffer.from(text, 'base64');
}
