import { CREATE_UPLOAD } from './documents.ts';

/** A file of the caller's disk that an operation needs: it is sent first. */
export interface NeededFile {
  name: string;
  type: string;
  /** Bytes. */
  size: number;
}

/** One call of the API: what a page sends, and what *as code* shows of it. */
export interface Operation {
  query: string;
  variables: Record<string, unknown>;
  /** The same call in JavaScript, with `comfy` of `createComfy`. */
  client: string;
  /** In the variables, `placeholder(index)` stands for the id of the upload. */
  files?: NeededFile[];
  /** What is put to the address that the answer has. */
  puts?: NeededFile;
  /** The file of JSON for which GRAPH stands in the variables. */
  graph?: string;
  /** The call is made for each of these, which is the variable `id`. */
  ids?: readonly string[];
}

export const isJson = ({ name, type }: Pick<NeededFile, 'name' | 'type'>) =>
  type === 'application/json' || /\.json$/i.test(name);

/** Something that can be done on a page. */
export interface Action {
  /** As its button calls it. */
  name: string;
  /** Asked when it is shown, so that it is of the moment, with a new idempotency key. */
  operation(): Operation;
}

/** What stands for the id of an upload that is not made yet. */
export const placeholder = (index: number) => `UPLOAD_${index + 1}`;

const SIZE = 'SIZE';
const EACH = 'EACH';

/** What stands for the content of a file of JSON. */
export const GRAPH = 'GRAPH';

/** As it is shown within code. */
export const oneLine = (document: string) => document.replace(/\s+/g, ' ').trim();

export interface CurlOptions {
  /** That of /graphql. */
  url: string;
  /** Whether the caller has to say who it is. The key itself is never shown: the variable COMFYGATE_KEY has it. */
  credentials?: boolean;
}

/** A command line for a POSIX shell. Operations with files need jq, too. */
export function toCurl(operation: Operation, { url, credentials = false }: CurlOptions): string {
  const { query, variables, files = [], puts, graph, ids } = operation;
  const call = (body: string, accept = '') => {
    const lines = [`curl -s${accept && 'N'} ${quote(url)}`];
    if (accept) lines.push(`-H ${quote(`Accept: ${accept}`)}`);
    if (credentials) lines.push('-H "Authorization: Bearer $COMFYGATE_KEY"');
    return [...lines, "-H 'Content-Type: application/json'", `-d ${body}`].join(' \\\n  ');
  };
  const bodyOf = (text: string, given: unknown) =>
    JSON.stringify({ query: oneLine(text), variables: given }, undefined, 2);
  /** Leaves the answer of createUpload in a variable of the shell. */
  const send = ({ name: filename, type: contentType }: NeededFile, variable: string) => {
    const body = bodyOf(CREATE_UPLOAD, { input: { size: SIZE, filename, contentType } });
    const sized = quote(body).replace(`"${SIZE}"`, () => `'"$(wc -c < ${quote(filename)})"'`);
    const read = (filter: string) => `printf %s "$${variable}" | jq -r ${quote(`.data.createUpload${filter}`)}`;
    const headers = '.headers | to_entries[] | "header = \\"\\(.key): \\(.value)\\""';
    return `${variable}=$(${call(sized)})
${read(headers)} |
  curl -s -K - -T ${quote(filename)} "$(${read('.url')})"\n`;
  };
  if (puts) return `${send(puts, 'upload')}printf '%s\\n' "$upload"`;
  if (ids) {
    const body = quote(bodyOf(query, { ...variables, id: EACH })).replace(`"${EACH}"`, `"'"$id"'"`);
    return `for id in ${ids.map(quote).join(' \\\n  ')}; do\n${call(body)}\ndone`;
  }
  if (graph !== undefined) {
    // Any JSON is a filter of jq as well.
    const filter = bodyOf(query, variables).replace(`"${GRAPH}"`, '.');
    return `jq ${quote(filter)} ${quote(graph)} |\n${call('@-')}`;
  }
  let body = quote(bodyOf(query, variables));
  files.forEach((_file, index) => {
    const id = `$(printf %s "$upload_${index + 1}" | jq -r .data.createUpload.id)`;
    body = body.replaceAll(`"${placeholder(index)}"`, `"'"${id}"'"`);
  });
  const live = /^\s*subscription\b/.test(query);
  const sent = files.map((file, index) => send(file, `upload_${index + 1}`));
  return [...sent, call(body, live ? 'text/event-stream' : '')].join('');
}

/** The client's line, ready to be run: where `comfy` comes from is said, too. */
export function toModule({ client, files, puts, graph }: Operation, { url, credentials = false }: CurlOptions): string {
  const origin = new URL(url).origin;
  const token = credentials ? ', token: process.env.COMFYGATE_KEY' : '';
  return [
    ...(files || puts ? ["import { openAsBlob } from 'node:fs';"] : []),
    ...(graph === undefined ? [] : ["import { readFile } from 'node:fs/promises';"]),
    "import { createComfy } from '@comfygate/client';",
    '',
    `const comfy = createComfy({ url: '${origin}'${token} });`,
    client,
    '',
  ].join('\n');
}

/** One word of a POSIX shell, whatever is in it. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
