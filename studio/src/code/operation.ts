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
}

/** Something that can be done on a page. */
export interface Action {
  /** As its button calls it. */
  name: string;
  /** Asked when it is shown, so that it is of the moment, with a new idempotency key. */
  operation(): Operation;
}

/** What stands for the id of an upload that is not made yet. */
export const placeholder = (index: number) => `UPLOAD_${index + 1}`;

const CREATE_UPLOAD =
  'mutation CreateUpload($input: CreateUploadInput!) { createUpload(input: $input) { id url headers } }';

export interface CurlOptions {
  /** That of /graphql. */
  url: string;
  /** Whether the caller has to say who it is. The key itself is never shown: the variable COMFYGATE_KEY has it. */
  credentials?: boolean;
}

/** A command line for a POSIX shell. Operations with files need jq, too. */
export function toCurl({ query, variables, files = [] }: Operation, { url, credentials = false }: CurlOptions): string {
  const call = (body: string, accept = '') => {
    const lines = [`curl -s${accept && 'N'} ${quote(url)}`];
    if (accept) lines.push(`-H ${quote(`Accept: ${accept}`)}`);
    if (credentials) lines.push('-H "Authorization: Bearer $COMFYGATE_KEY"');
    return [...lines, "-H 'Content-Type: application/json'", `-d ${body}`].join(' \\\n  ');
  };
  const sent = files.map((file, index) => {
    const { name: filename, type: contentType, size } = file;
    const variable = `upload_${index + 1}`;
    const body = JSON.stringify({ query: CREATE_UPLOAD, variables: { input: { filename, contentType, size } } });
    const read = (filter: string) => `printf %s "$${variable}" | jq -r ${quote(`.data.createUpload${filter}`)}`;
    const headers = '.headers | to_entries[] | "header = \\"\\(.key): \\(.value)\\""';
    return `${variable}=$(${call(quote(body))})
${read(headers)} |
  curl -s -K - -T ${quote(filename)} "$(${read('.url')})"\n`;
  });
  let body = quote(JSON.stringify({ query: query.replace(/\s+/g, ' ').trim(), variables }, undefined, 2));
  files.forEach((_file, index) => {
    const id = `$(printf %s "$upload_${index + 1}" | jq -r .data.createUpload.id)`;
    body = body.replaceAll(`"${placeholder(index)}"`, `"'"${id}"'"`);
  });
  const live = /^\s*subscription\b/.test(query);
  return [...sent, call(body, live ? 'text/event-stream' : '')].join('');
}

/** The client's line, ready to be run: where `comfy` comes from is said, too. */
export function toModule({ client, files = [] }: Operation, { url, credentials = false }: CurlOptions): string {
  const origin = new URL(url).origin;
  const token = credentials ? ', token: process.env.COMFYGATE_KEY' : '';
  return [
    ...(files.length > 0 ? ["import { openAsBlob } from 'node:fs';"] : []),
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
