import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import type { SeenEvent } from '../../support/gateway-client.ts';
import {
  eventually,
  type Gateway,
  type Lifetime,
  onlySimulator,
  openProduct,
  type Product,
} from '../../support/product.ts';
import { nameAtComfyui } from '../../support/result-name.ts';
import { sendFile } from '../../support/send-file.ts';

const artifactSchema = z.object({
  __typename: z.string(),
  filename: z.string(),
  contentType: z.string(),
  size: z.int(),
  sha256: z.string(),
  node: z.string(),
  output: z.string().nullable(),
  url: z.string(),
  width: z.int().optional(),
  height: z.int().optional(),
  durationSeconds: z.number().optional(),
  text: z.string().optional(),
});
export type ShownArtifact = z.infer<typeof artifactSchema>;

const jobSchema = z.object({
  id: z.string(),
  status: z.string(),
  backend: z.string().nullable(),
  attempts: z.int(),
  progress: z.object({ fraction: z.number(), nodesDone: z.int(), nodesTotal: z.int() }),
  timings: z.array(z.object({ nodeId: z.string(), classType: z.string(), ms: z.number(), cached: z.boolean() })),
  artifacts: z.array(artifactSchema),
  error: z
    .object({ code: z.string(), message: z.string(), nodeId: z.string().nullable(), classType: z.string().nullable() })
    .nullable(),
});
export type ShownJob = z.infer<typeof jobSchema>;

const generatedSchema = z.object({ generate: z.object({ job: jobSchema }) });

const JOB = `id status backend attempts
  progress { fraction nodesDone nodesTotal }
  timings { nodeId classType ms cached }
  artifacts {
    __typename filename contentType size sha256 node output url
    ... on ImageArtifact { width height }
    ... on VideoArtifact { width height durationSeconds }
    ... on AudioArtifact { durationSeconds }
    ... on TextArtifact { text }
  }
  error { code message nodeId classType }`;
const GENERATE = `mutation ($input: GenerateInput!) { generate(input: $input) { job { ${JOB} } } }`;
const READ = `query ($id: ID!) { job(id: $id) { ${JOB} } }`;

const issuesSchema = z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), code: z.string() }));

/**
 * A gateway and a worker as processes of their own, one simulated ComfyUI, and an application that says what it wants.
 */
export interface Stage {
  product: Product;
  gateway: Gateway;
  /** The job as `generate` gives it once it has ended. */
  run(workflow: object, gateway?: Gateway): Promise<ShownJob>;
  /**
   * The job as it is read once it has ended, and each event of it that was watched: from before its first node on, and
   * where it is to wait at nodes of a class, that it is there.
   */
  watch(workflow: object, waitAt?: string): Promise<{ job: ShownJob; events: SeenEvent[] }>;
  /** Path and code of each issue of a call that is refused. */
  refusal(workflow: object): Promise<string[]>;
  /** Announces a file, sends it, and gives the id that jobs name. */
  send(bytes: Buffer, contentType: string): Promise<string>;
  /** What the job's address gives. */
  delivered(artifact: ShownArtifact): Promise<Buffer>;
  /** What ComfyUI itself serves under the artifact's name. */
  served(job: ShownJob, artifact: ShownArtifact, type?: 'output' | 'temp'): Promise<Buffer>;
}

export async function openStage(lifetime: Lifetime, speed: number): Promise<Stage> {
  const product = await openProduct(lifetime, { speed });
  const [gateway] = await Promise.all([product.gateway(), product.worker()]);
  const known = async () => {
    const schema = z.object({ workflow: z.object({ backends: z.array(z.unknown()) }) });
    const { workflow } = await gateway.ask(schema, '{ workflow(name: "textToImage") { backends { backend } } }');
    return workflow.backends.length > 0;
  };
  await eventually(known, 'what ComfyUI can run is known');

  const asked = (workflow: object, waitSeconds: number) => ({
    input: { idempotencyKey: randomUUID(), waitSeconds, workflow },
  });

  async function accepted(workflow: object, at: Gateway, waitSeconds: number): Promise<ShownJob> {
    return (await at.ask(generatedSchema, GENERATE, asked(workflow, waitSeconds))).generate.job;
  }

  return {
    product,
    gateway,
    run: (workflow, at = gateway) => accepted(workflow, at, 60),
    async watch(workflow, waitAt) {
      const { faults } = onlySimulator(product);
      faults.set({ hold: true });
      const { id } = await accepted(workflow, gateway, 0);
      const watching = gateway.watch(id);
      await watching.until(() => true);
      faults.set({ hold: false, holdAt: waitAt ?? null });
      if (waitAt) await watching.until(({ job: { progress } }) => progress.node?.classType === waitAt);
      faults.reset();
      await watching.end();
      const { job } = await gateway.ask(z.object({ job: jobSchema }), READ, { id });
      return { job, events: watching.events };
    },
    async refusal(workflow) {
      const { data, errors } = await gateway.post(GENERATE, asked(workflow, 0));
      const [error] = errors;
      if (error?.extensions.code !== 'BAD_USER_INPUT') throw new Error(JSON.stringify({ data, errors }));
      return issuesSchema.parse(error.extensions.issues).map(({ path, code }) => `${path.join('.')} ${code}`);
    },
    send: (bytes, contentType) =>
      sendFile(async (query, variables) => (await gateway.post(query, variables)).data, bytes, contentType),
    async delivered({ url }) {
      return Buffer.from(await (await fetch(url)).arrayBuffer());
    },
    async served({ id }, { filename }, type = 'output') {
      const own = type === 'temp' ? '' : `comfygate-${promptIdOf(id, 1)}-`;
      const query = new URLSearchParams({ filename: `${own}${nameAtComfyui(filename)}`, type });
      const answer = await fetch(`${onlySimulator(product).url}/view?${query}`);
      if (!answer.ok) throw new Error(`ComfyUI answers ${answer.status} for ${query}`);
      return Buffer.from(await answer.arrayBuffer());
    },
  };
}

/** What an artifact is, in a few words: `4 VideoArtifact video/mp4 128x96 1.0 s`. */
export function described({ node, __typename, contentType, width, height, durationSeconds }: ShownArtifact): string {
  const size = width === undefined ? [] : [`${width}x${height}`];
  const length = durationSeconds === undefined ? [] : [`${durationSeconds.toFixed(1)} s`];
  return [node, __typename, contentType, ...size, ...length].join(' ');
}
