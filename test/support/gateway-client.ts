import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { Agent, fetch } from 'undici';
import { expect, vi } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import type { Ledger } from './ledger.ts';

const jobSchema = z.object({
  id: z.string(),
  status: z.enum(['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED']),
  seq: z.int(),
  attempts: z.int(),
  progress: z.object({ fraction: z.number(), node: z.object({ classType: z.string() }).nullable() }),
  error: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }).nullable(),
  artifacts: z.array(
    z.object({ filename: z.string(), contentType: z.string(), size: z.int(), sha256: z.string(), url: z.string() }),
  ),
});
export type SeenJob = z.infer<typeof jobSchema>;

const eventSchema = z.object({ seq: z.int(), type: z.string(), job: jobSchema });
export type SeenEvent = z.infer<typeof eventSchema>;

const errorsSchema = z.array(
  z.object({
    message: z.string(),
    extensions: z.looseObject({ code: z.string(), retryAfter: z.number().optional() }).default({ code: 'none' }),
  }),
);

const JOB = `id status seq attempts progress { fraction node { classType } } error { code message retryable }
  artifacts { filename contentType size sha256 url }`;
const GENERATE = `mutation Generate($input: GenerateInput!) { generate(input: $input) { replayed job { ${JOB} } } }`;
const WATCH = `subscription Watch($id: ID!, $afterSeq: Int) {
  jobProgress(id: $id, afterSeq: $afterSeq) { seq type at job { ${JOB} } } }`;

const RETRY_MS = 200;

/** Every prompt begins with this text, so that a test can find prompts in logs. */
export const PROMPT = 'a lighthouse at dusk';

const TERMINAL = ['SUCCEEDED', 'FAILED', 'CANCELED'];

export interface Answer {
  status: number;
  ms: number;
  data: unknown;
  errors: z.infer<typeof errorsSchema>;
}

/**
 * Watches a job like an application: it connects again, without `afterSeq`, when its connection breaks, and subscribes
 * again when the answer is UNAVAILABLE.
 */
export interface Watching {
  /** All events so far, one inner list for each subscription. There are several when the connection broke. */
  readonly subscriptions: SeenEvent[][];
  readonly events: SeenEvent[];
  /** The close codes of its connections so far. */
  readonly closes: number[];
  /** Resolves with the first past or future event that matches. */
  until(holds: (event: SeenEvent) => boolean, timeoutMs?: number): Promise<SeenEvent>;
  /** Resolves with the last event when the subscription is complete; checks the order and the single end on the way. */
  end(timeoutMs?: number): Promise<SeenEvent>;
  /** Unsubscribes. */
  leave(): void;
  /** Cuts the connection without closing it. */
  vanish(): void;
}

export interface GenerateRequest {
  key?: string;
  parameters?: { [name: string]: unknown };
  input?: { [name: string]: unknown };
  headers?: Record<string, string>;
}

export interface GatewayClientOptions {
  ledger?: Ledger | undefined;
  /** The loopback address that it comes from. Default: 127.0.0.1. */
  from?: string | undefined;
  /** The API key that it brings. Default: none. */
  apiKey?: string | undefined;
}

/** A client application of one gateway. It keeps every answer in `texts`, so that tests can search them for secrets. */
export function createGatewayClient(url: string, texts: string[], options: GatewayClientOptions = {}) {
  const { ledger, from } = options;
  const credentials = credentialsOf(options);
  const dispatcher = new Agent({ ...(from !== undefined && { localAddress: from }) });
  async function post(
    query: string,
    variables: { [name: string]: unknown } = {},
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const began = performance.now();
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...credentials, ...headers },
      body: JSON.stringify({ query, variables }),
      dispatcher,
    });
    const text = await response.text();
    texts.push(text);
    const { data, errors } = z
      .object({ data: z.unknown().optional(), errors: errorsSchema.default([]) })
      .parse(JSON.parse(text));
    return { status: response.status, ms: performance.now() - began, data, errors };
  }

  /** Repeats a call that is answered UNAVAILABLE, after the time that the answer names. */
  async function insist<T>(schema: z.ZodType<T>, attempt: () => Promise<Answer>): Promise<T> {
    for (let tries = 1; ; tries++) {
      const { data, errors } = await attempt();
      if (errors.length === 0) return schema.parse(data);
      const unavailable = errors.every(({ extensions }) => extensions.code === 'UNAVAILABLE');
      if (!unavailable || tries === 10) throw new Error(errors.map(({ message }) => message).join('; '));
      await sleep(Math.max(...errors.map(({ extensions }) => extensions.retryAfter ?? 0)) * 1_000);
    }
  }

  const ask = <T>(schema: z.ZodType<T>, query: string, variables: { [name: string]: unknown } = {}) =>
    insist(schema, () => post(query, variables));

  /** Calls `generate`, by default for a small and fast picture, and returns the raw answer. */
  async function tryGenerate({
    key = randomUUID(),
    parameters = {},
    input = {},
    headers,
  }: GenerateRequest = {}): Promise<Answer> {
    const textToImage = { prompt: `${PROMPT} ${key}`, width: 64, height: 64, steps: 4, seed: 1, ...parameters };
    const variables = { input: { idempotencyKey: key, workflow: { textToImage }, ...input } };
    const answer = await post(GENERATE, variables, headers);
    const accepted = generatedSchema.safeParse(answer.data);
    if (accepted.success) ledger?.accepted(key, accepted.data.generate.job.id);
    return answer;
  }

  return {
    url,
    post,
    /** Runs a query and returns its data. Rejects when it has errors. */
    ask,
    tryGenerate,
    /** Repeats `generate` with the same key. */
    async generate(request: GenerateRequest = {}): Promise<SeenJob> {
      const key = request.key ?? randomUUID();
      return (await insist(generatedSchema, () => tryGenerate({ ...request, key }))).generate.job;
    },
    async job(id: string): Promise<SeenJob | null> {
      const schema = z.object({ job: jobSchema.nullable() });
      return (await ask(schema, `query Job($id: ID!) { job(id: $id) { ${JOB} } }`, { id })).job;
    },
    async cancel(id: string): Promise<SeenJob> {
      const schema = z.object({ cancelJob: jobSchema });
      return (await ask(schema, `mutation Cancel($id: ID!) { cancelJob(id: $id) { ${JOB} } }`, { id })).cancelJob;
    },
    watch: (id: string, watchOptions: WatchOptions = {}) => watch(url, texts, id, watchOptions, options),
    /** Closes the connections that are kept for further calls, which the gateway would hold open for a minute. */
    close: () => dispatcher.close(),
    /** Fetches each artifact and checks its length and hash against the job. */
    async expectWhole({ artifacts }: SeenJob, count = 1) {
      expect(artifacts).toHaveLength(count);
      for (const { url: address, size, sha256 } of artifacts) {
        const bytes = Buffer.from(await (await fetch(address, { dispatcher })).arrayBuffer());
        expect(bytes.length).toBe(size);
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
      }
    },
  };
}

const credentialsOf = ({ apiKey }: GatewayClientOptions) =>
  apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };

export type GatewayClient = ReturnType<typeof createGatewayClient>;

const generatedSchema = z.object({ generate: z.object({ replayed: z.boolean(), job: jobSchema }) });

/** The payload of `generate` in an answer without errors. */
export function generated(answer: Answer) {
  expect(answer.errors).toEqual([]);
  return generatedSchema.parse(answer.data).generate;
}

export interface WatchOptions {
  afterSeq?: number;
  /** The gateway for all connections after the first. Default: the same gateway. */
  elsewhere?: string;
  /** Called before each connection for the gateway to use, like a load balancer. */
  addresses?: () => string;
  /** Ends with an error instead of connecting again. */
  once?: boolean;
  /** Called with each event when it arrives. */
  onEvent?: (event: SeenEvent) => void;
}

/** Like the WebSocket of a browser, which throws no error when it is closed before it is open. */
const socketFrom = (localAddress: string | undefined) =>
  class extends WebSocket {
    constructor(url: string, protocols: string) {
      super(url, protocols, { localAddress });
      this.on('error', () => undefined);
    }
  };

function watch(
  url: string,
  texts: string[],
  id: string,
  options: WatchOptions,
  { ledger, from, apiKey }: GatewayClientOptions,
): Watching {
  const subscriptions: SeenEvent[][] = [];
  const closes: number[] = [];
  const ended = Promise.withResolvers<void>();
  // A test that never waits for the end must not fail with an unhandled rejection.
  ended.promise.catch(() => undefined);
  let connections = 0;
  let refusal = '';
  const client = createClient({
    url: () =>
      `${(options.addresses?.() ?? (connections > 0 ? options.elsewhere : url)) || url}/graphql`.replace('http', 'ws'),
    webSocketImpl: socketFrom(from),
    connectionParams: credentialsOf({ apiKey }),
    retryAttempts: options.once ? 0 : 200,
    // The default waits seconds, doubled each time, which would only slow tests down.
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
    shouldRetry: () => true,
    on: {
      connected() {
        connections++;
        subscriptions.push([]);
      },
      closed: (event) => void closes.push(closeCode(event)),
    },
  });
  let again: NodeJS.Timeout | undefined;
  let unsubscribe = subscribe();

  function subscribe(): () => void {
    const refused = (text: string, cause: Error) => {
      if (!text.includes('"UNAVAILABLE"')) return ended.reject(cause);
      refusal = text;
      again = setTimeout(() => {
        again = undefined;
        unsubscribe = subscribe();
      }, RETRY_MS);
    };
    return client.subscribe(
      { query: WATCH, variables: { id, afterSeq: options.afterSeq ?? null } },
      {
        next(result) {
          const text = JSON.stringify(result);
          texts.push(text);
          if (result.errors) return refused(text, new Error(JSON.stringify(result.errors)));
          const { jobProgress } = z.object({ jobProgress: eventSchema }).parse(result.data);
          subscriptions.at(-1)?.push(jobProgress);
          options.onEvent?.(jobProgress);
          if (TERMINAL.includes(jobProgress.type)) ledger?.ended();
        },
        error(cause) {
          const text = JSON.stringify(cause);
          texts.push(text);
          refused(text, cause instanceof Error ? cause : new Error(`watching ended: ${text}`));
        },
        complete() {
          if (again === undefined) ended.resolve();
        },
      },
    );
  }

  const watching: Watching = {
    subscriptions,
    closes,
    get events() {
      return subscriptions.flat();
    },
    until: (holds, timeoutMs = 30_000) =>
      vi.waitFor(
        () => {
          const found = subscriptions.flat().find(holds);
          if (!found) throw new Error(`not seen within ${timeoutMs} ms; seen: ${summary(watching)}`);
          return found;
        },
        { timeout: timeoutMs, interval: 10 },
      ),
    async end(timeoutMs = 45_000) {
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(
        () => late.reject(new Error(`no end within ${timeoutMs} ms; seen: ${summary(watching)} ${refusal}`)),
        timeoutMs,
      );
      await Promise.race([ended.promise, late.promise]).finally(() => clearTimeout(timer));
      void client.dispose();
      return expectOrder(subscriptions);
    },
    leave() {
      clearTimeout(again);
      unsubscribe();
    },
    vanish: () => client.terminate(),
  };
  return watching;
}

/**
 * Checks that sequence numbers only grow within a subscription, and that its only terminal event is its last one.
 * Returns that event.
 */
function expectOrder(subscriptions: SeenEvent[][]): SeenEvent {
  for (const events of subscriptions) {
    events.forEach((event, i) => {
      const previous = events[i - 1];
      // For a job that has ended, the terminal event has the same number as the SNAPSHOT before it; MOVED has none of
      // its own.
      const mayRepeat = event.type === 'MOVED' || (previous?.type === 'SNAPSHOT' && TERMINAL.includes(event.type));
      if (previous) expect(event.seq).toBeGreaterThanOrEqual(previous.seq + (mayRepeat ? 0 : 1));
      if (TERMINAL.includes(event.type)) expect(i).toBe(events.length - 1);
    });
  }
  const last = subscriptions.at(-1)?.at(-1);
  if (!last || !TERMINAL.includes(last.type)) throw new Error(`no terminal event at the end: ${last?.type}`);
  expect(last.job.status).toBe(last.type);
  return last;
}

function summary({ subscriptions }: Watching): string {
  return subscriptions.map((events) => events.map(({ seq, type }) => `${seq} ${type}`).join(', ')).join(' | ');
}

function closeCode(event: unknown): number {
  return typeof event === 'object' && event !== null && 'code' in event ? Number(event.code) : Number.NaN;
}
