import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { type Lifetime, openProduct, type Product } from './product.ts';

const errorSchema = z.object({
  message: z.string(),
  extensions: z.looseObject({ code: z.string() }),
});
const answerSchema = z.object({ data: z.unknown().optional(), errors: z.array(errorSchema).default([]) });

/** The answer to an attack. `code` is that of the first error. */
export interface Struck {
  status: number;
  headers: Headers;
  text: string;
  code: string | undefined;
  message: string;
  /** The issues of a BAD_USER_INPUT, each as `path: message`. */
  issues: string[];
  data: unknown;
}

export interface PostOptions {
  headers?: Record<string, string>;
  method?: string;
  path?: string;
}

const TRIES = 10;

const issuesSchema = z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() }));

const GENERATE = 'mutation G($input: GenerateInput!) { generate(input: $input) { replayed job { id parameters } } }';

/** The variables of GENERATE for the smallest picture, with a new key. */
export function pictureInput(parameters: object = {}, input: object = {}) {
  const textToImage = { prompt: 'x', steps: 1, width: 64, height: 64, ...parameters };
  return { input: { idempotencyKey: randomUUID(), workflow: { textToImage }, ...input } };
}

export function graphInput(graph: unknown, name: string | null = null) {
  return { input: { idempotencyKey: randomUUID(), workflow: { custom: { graph, name } } } };
}

/**
 * The whole product in one process, and functions that send it anything. All answers are kept and searched at the end.
 */
export async function openTarget(lifetime: Lifetime, env: Record<string, string> = {}) {
  const product = await openProduct(lifetime, { speed: 20, env });
  const gateway = await product.both();
  const texts: string[] = [];

  /** Repeats an attack that failed since Redis was too slow: that is a matter of the machine and not of the attack. */
  async function post(body: BodyInit, options: PostOptions = {}): Promise<Struck> {
    for (let tries = 1; ; tries++) {
      const struck = await strike(body, options);
      if (struck.code !== 'UNAVAILABLE' || tries === TRIES) return struck;
      await sleep(1_000);
    }
  }

  async function strike(body: BodyInit, options: PostOptions): Promise<Struck> {
    const { method = 'POST', path = '/graphql', headers = { 'content-type': 'application/json' } } = options;
    const content = method === 'GET' ? {} : { body, duplex: 'half' as const };
    const response = await fetch(`${gateway.url}${path}`, { method, headers, ...content });
    const text = await response.text();
    texts.push(text);
    const json = response.headers.get('content-type')?.startsWith('application/json') && text !== '';
    const { data, errors } = json ? answerSchema.parse(JSON.parse(text)) : { data: null, errors: [] };
    const [error] = errors;
    const issues = issuesSchema.catch([]).parse(error?.extensions.issues);
    return {
      status: response.status,
      headers: response.headers,
      text,
      code: error?.extensions.code,
      message: error?.message ?? '',
      issues: issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
      data,
    };
  }

  /** Sends bytes over a TCP connection, and returns all that comes back until the other side closes it. */
  async function wire(bytes: string | Buffer): Promise<string> {
    const socket = connect(gateway.port, '127.0.0.1');
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.write(bytes);
    await once(socket, 'close');
    texts.push(text);
    return text;
  }

  return {
    product,
    gateway,
    post,
    wire,
    ask: (query: string, variables?: unknown, more: object = {}) => post(JSON.stringify({ query, variables, ...more })),
    generate: (variables: unknown) => post(JSON.stringify({ query: GENERATE, variables })),
    /** The same, but `"@"` in the variables is replaced by JSON text that JSON.stringify would not write. */
    generateWith: (variables: unknown, json: string) =>
      post(JSON.stringify({ query: GENERATE, variables }).replace('"@"', json)),
    dial: (options: DialOptions = {}) => dial(`${gateway.url}/graphql`.replace('http', 'ws'), texts, options),
    /** Checks that the product still serves, has logged no error, and has revealed nothing internal. */
    async expectUnharmed() {
      expect((await post('{"query":"{__typename}"}')).data).toEqual({ __typename: 'Query' });
      expect(gateway.process.output()).not.toMatch(/"level":"(error|fatal)"/);
      expectNothingInner(texts, product);
    },
  };
}

export type Target = Awaited<ReturnType<typeof openTarget>>;

function expectNothingInner(texts: string[], { redis, simulators, env }: Product) {
  const ports = [redis.port, ...simulators.map(({ port }) => port)].map((port) => `:${port}`);
  const inner = [...ports, env.DATA_DIR ?? '/tmp', 'node_modules', 'at async', '.ts:', 'Traceback', 'ECONN'];
  for (const text of texts) {
    for (const each of inner) {
      if (text.includes(each)) expect.fail(`an answer holds ${each}: ${text.slice(0, 500)}`);
    }
  }
}

interface DialOptions {
  protocol?: string | string[];
  origin?: string;
  /** Whether it sends connection_init and waits for the answer. Default true. */
  init?: boolean;
}

export interface SocketMessage {
  id?: string | undefined;
  type: string;
  payload?: unknown;
}
const messageSchema = z.object({ id: z.string().optional(), type: z.string(), payload: z.unknown().optional() });

/** A WebSocket for hand-written messages of graphql-transport-ws. It is cut when the test ends. */
async function dial(url: string, texts: string[], options: DialOptions) {
  const { protocol = 'graphql-transport-ws', origin, init = true } = options;
  const socket = new WebSocket(url, protocol, origin === undefined ? {} : { origin });
  const messages: SocketMessage[] = [];
  socket.on('message', (data) => {
    texts.push(String(data));
    messages.push(messageSchema.parse(JSON.parse(String(data))));
  });
  onTestFinished(() => socket.terminate());
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await once(socket, 'open');
  socket.on('error', () => undefined);
  const say = (...what: unknown[]) => {
    for (const each of what)
      socket.send(typeof each === 'string' || Buffer.isBuffer(each) ? each : JSON.stringify(each));
  };
  const heard = async (holds: (message: SocketMessage) => boolean): Promise<SocketMessage> => {
    for (;;) {
      const found = messages.find(holds);
      if (found) return found;
      await once(socket, 'message', { signal: AbortSignal.timeout(10_000) });
    }
  };
  if (init) {
    say({ type: 'connection_init' });
    await heard(({ type }) => type === 'connection_ack');
  }
  return { socket, messages, closed, say, heard };
}

export function subscribe(id: string, query: string, variables: object = {}) {
  return { id, type: 'subscribe', payload: { query, variables } };
}
