import * as z from 'zod';

const CREATE_UPLOAD = `mutation ($input: CreateUploadInput!) {
  createUpload(input: $input) { id method url headers } }`;
const uploadSchema = z.object({
  createUpload: z.object({
    id: z.string(),
    method: z.string(),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
  }),
});

/** Announces and uploads an input file, and returns its id for jobs. `ask` returns the data of a GraphQL answer. */
export async function sendFile(
  ask: (query: string, variables: { input: object }) => Promise<unknown>,
  bytes: Uint8Array,
  contentType: string,
): Promise<string> {
  const input = { filename: 'input', contentType, size: bytes.length };
  const { id, method, url, headers } = uploadSchema.parse(await ask(CREATE_UPLOAD, { input })).createUpload;
  const answer = await fetch(url, { method, headers, body: new Uint8Array(bytes) });
  if (!answer.ok) throw new Error(`the file was not taken: ${answer.status}`);
  return id;
}
