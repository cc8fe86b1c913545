import { type AnsweredError, ComfyError, errorOf } from './errors.ts';

/** A document as text, or as code generators and `gql` make it. The type of its data is known from typed ones. */
export type Document<Data = unknown> =
  | string
  | { toString(): string; loc?: { source: { body: string } } | undefined; __apiType?: (variables: never) => Data };

/** Sends a document, and gives its data. Throws ComfyError for the first of its errors. */
export type SendDocument = <Data>(
  document: Document<Data>,
  variables?: object,
  options?: { signal?: AbortSignal | undefined },
) => Promise<Data>;

/** `send`: the patient `fetch` of a connection. */
export function createQuery(url: string, send: typeof fetch): SendDocument {
  return async <Data>(
    document: Document<Data>,
    variables: object = {},
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<Data> => {
    const query = (typeof document === 'object' && document.loc?.source.body) || String(document);
    const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' };
    const body = JSON.stringify({ query, variables });
    const response = await send(url, { method: 'POST', headers, body, signal: signal ?? null });
    const text = await response.text();
    const { data, errors } = parsed(text) ?? {};
    const [error] = errors ?? [];
    if (error) throw errorOf(error);
    if (data) return data as Data;
    throw new ComfyError(`expected an answer of a gateway from ${url}, got ${response.status} ${text.slice(0, 100)}`, {
      code: 'BAD_RESPONSE',
    });
  };
}

interface Answer {
  data?: unknown;
  errors?: AnsweredError[];
}

function parsed(text: string): Answer | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // A page of a proxy, or of another server.
  }
}
