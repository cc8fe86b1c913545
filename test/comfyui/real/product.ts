import { randomBytes, randomUUID } from 'node:crypto';
import { createClient } from 'graphql-ws';
import * as z from 'zod';
import { freePort } from '../../support/free-port.ts';
import { type ProductProcess, startProduct, tempFolder } from '../../support/process.ts';
import { startTestRedis } from '../../support/redis.ts';
import { sendFile } from '../../support/send-file.ts';
import { eventually } from './eventually.ts';

const artifactSchema = z.object({
  filename: z.string(),
  contentType: z.string(),
  size: z.number(),
  sha256: z.string(),
  node: z.string(),
  url: z.string(),
  __typename: z.string(),
  width: z.number().optional(),
  height: z.number().optional(),
  durationSeconds: z.number().optional(),
  text: z.string().optional(),
});

const jobSchema = z.object({
  id: z.string(),
  status: z.enum(['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED']),
  attempts: z.number(),
  startedAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
  progress: z.object({
    fraction: z.number(),
    nodesDone: z.number(),
    nodesTotal: z.number(),
    node: z
      .object({
        nodeId: z.string(),
        classType: z.string(),
        step: z.number().nullable(),
        totalSteps: z.number().nullable(),
      })
      .nullable(),
  }),
  artifacts: z.array(artifactSchema),
  error: z
    .object({ code: z.string(), message: z.string(), nodeId: z.string().nullable(), classType: z.string().nullable() })
    .nullable(),
});
export type ShownJob = z.infer<typeof jobSchema>;

const eventSchema = z.object({
  seq: z.number(),
  type: z.string(),
  job: jobSchema,
  preview: z.object({ contentType: z.string(), data: z.base64() }).nullable(),
});
export type ShownEvent = z.infer<typeof eventSchema>;

const JOB = `id status attempts startedAt finishedAt
  progress { fraction nodesDone nodesTotal node { nodeId classType step totalSteps } }
  artifacts {
    __typename filename contentType size sha256 node url
    ... on ImageArtifact { width height }
    ... on VideoArtifact { width height durationSeconds }
    ... on AudioArtifact { durationSeconds }
    ... on TextArtifact { text }
  }
  error { code message nodeId classType }`;

const GENERATE = `mutation ($input: GenerateInput!) { generate(input: $input) { job { ${JOB} } } }`;
const CANCEL = `mutation ($id: ID!) { cancelJob(id: $id) { ${JOB} } }`;
const refusalSchema = z.object({
  errors: z.array(
    z.object({
      extensions: z.object({
        code: z.literal('BAD_USER_INPUT'),
        issues: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), code: z.string() })),
      }),
    }),
  ),
});
const WATCH = `subscription ($id: ID!) {
  jobProgress(id: $id, previews: true) { seq type job { ${JOB} } preview { contentType data } } }`;

/** Gateway and worker, each a process of its own, on a Redis of their own; reached as applications reach them. */
export interface Product extends AsyncDisposable {
  /** Accepts a job and gives its id. */
  generate(workflow: object): Promise<string>;
  /** The issues of a job that is refused: path and code. */
  refusal(workflow: object): Promise<string[]>;
  /** Announces an input file, sends it, and gives the id that jobs name. */
  send(bytes: Buffer, contentType: string): Promise<string>;
  cancel(id: string): Promise<ShownJob>;
  /** All events of a job, previews too, until the subscription completes. */
  watch(id: string): AsyncIterable<ShownEvent>;
  startWorker(): Promise<void>;
  /** SIGKILL. */
  killWorker(): Promise<void>;
  /** SIGTERM to both; their exit codes. */
  stop(): Promise<(number | null)[]>;
  /** All that the processes have written. */
  output(): string;
}

export async function startProductOn(comfyUrl: string): Promise<Product> {
  const redis = await startTestRedis();
  const folder = await tempFolder();
  const port = await freePort();
  const common = { REDIS_URL: redis.url, DATA_DIR: folder.path, STORAGE_SHARED: 'true', LOG_LEVEL: 'debug' };
  const processes: ProductProcess[] = [];

  function start(role: string, env: Record<string, string>): ProductProcess {
    const started = startProduct([role], { ...common, ...env });
    processes.push(started);
    return started;
  }

  const gateway = start('gateway', { PORT: String(port), SIGNING_SECRET: randomBytes(32).toString('hex') });
  let worker: ProductProcess | undefined;
  await gateway.until('GraphiQL:');
  const endpoint = `http://127.0.0.1:${port}/graphql`;
  const socket = createClient({ url: endpoint.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 });

  async function post<T>(query: string, variables: object, schema: z.ZodType<T>): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
    const text = await answer.text();
    const parsed = schema.safeParse(JSON.parse(text));
    if (!parsed.success) throw new Error(`the gateway answered ${text}`);
    return parsed.data;
  }

  async function request<T>(query: string, variables: object, data: z.ZodType<T>): Promise<T> {
    return (await post(query, variables, z.object({ data }))).data;
  }

  /** Whether it has said what it can run: until then anything is accepted. */
  async function knowsClasses() {
    const query = '{ workflow(name: "textToImage") { backends { backend } } }';
    const { workflow } = await request(query, {}, z.object({ workflow: z.object({ backends: z.array(z.unknown()) }) }));
    return workflow.backends.length > 0;
  }

  return {
    async generate(workflow) {
      const input = { idempotencyKey: randomUUID(), workflow };
      const answer = await request(GENERATE, { input }, z.object({ generate: z.object({ job: jobSchema }) }));
      return answer.generate.job.id;
    },
    async refusal(workflow) {
      const input = { idempotencyKey: randomUUID(), workflow };
      const { errors } = await post(GENERATE, { input }, refusalSchema);
      return errors.flatMap(({ extensions }) => extensions.issues.map(({ path, code }) => `${path.join('.')} ${code}`));
    },
    async send(bytes, contentType) {
      return await sendFile((query, variables) => request(query, variables, z.unknown()), bytes, contentType);
    },
    async cancel(id) {
      return (await request(CANCEL, { id }, z.object({ cancelJob: jobSchema }))).cancelJob;
    },
    async *watch(id) {
      for await (const answer of socket.iterate({ query: WATCH, variables: { id } })) {
        const parsed = z.object({ data: z.object({ jobProgress: eventSchema }) }).safeParse(answer);
        if (!parsed.success) throw new Error(`the subscription said ${JSON.stringify(answer)}`);
        yield parsed.data.data.jobProgress;
      }
    },
    async startWorker() {
      worker = start('worker', { COMFYUI_URLS: `real=${comfyUrl}` });
      await worker.until('comfyui seen', 60_000);
      await eventually('its classes are known', 120_000, knowsClasses);
    },
    async killWorker() {
      await worker?.kill();
    },
    async stop() {
      await socket.dispose();
      return [await worker?.stop(), await gateway.stop()].map((code) => code ?? null);
    },
    output: () => processes.map((each) => each.output()).join(''),
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map((each) => each.kill()));
      await redis.close();
      await folder.remove();
    },
  };
}
