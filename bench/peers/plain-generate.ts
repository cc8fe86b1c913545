/*
 * `generate` in its simplest form, as an engineer writes it in an afternoon with BullMQ and a Redis: it validates the
 * input, takes the idempotency key with SET NX, writes a record, adds the job to the queue with a priority and answers.
 *
 * What it leaves out: key, record and queue are not written in one step, so a crash between them leaves a key without a
 * job, or a job that never runs. The same key with another input is not noticed. There is no index of a caller's jobs,
 * no deadline, no event and no sweeper. It reports only one fault of an input, and it waits while Redis is down.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import * as z from 'zod';

export const typeDefs = /* GraphQL */ `
  enum Priority { LOW NORMAL HIGH }
  input TextToImageInput {
    prompt: String!
    negativePrompt: String = ""
    width: Int = 512
    height: Int = 512
    steps: Int = 20
    cfgScale: Float = 7
    sampler: String = "euler"
    scheduler: String = "normal"
    seed: Float
    model: String
    batchSize: Int = 1
  }
  input WorkflowInput { textToImage: TextToImageInput! }
  input GenerateInput {
    idempotencyKey: String!
    workflow: WorkflowInput!
    priority: Priority = NORMAL
    tags: [String!]
  }
  type Job { id: ID! status: String! workflow: String! priority: Priority! tags: [String!]! createdAt: String! }
  type GeneratePayload { job: Job! replayed: Boolean! }
  type Jobs { nodes: [Job]! }
  type Query { job(id: ID!): Job jobs(first: Int!): Jobs! }
  type Mutation { generate(input: GenerateInput!): GeneratePayload! }
`;

const size = z.int().min(64).max(2048).multipleOf(8);
const inputSchema = z.object({
  idempotencyKey: z.string().min(1).max(255),
  priority: z.enum(['LOW', 'NORMAL', 'HIGH']).default('NORMAL'),
  tags: z.array(z.string().min(1).max(64)).max(16).nullish(),
  workflow: z.object({
    textToImage: z.object({
      prompt: z.string().min(1).max(5000),
      negativePrompt: z.string().max(2000),
      width: size,
      height: size,
      steps: z.int().min(1).max(150),
      cfgScale: z.number().min(1).max(30),
      sampler: z.string().max(100),
      scheduler: z.string().max(100),
      seed: z.int().min(0).nullish(),
      model: z.string().max(255).nullish(),
      batchSize: z.int().min(1).max(4),
    }),
  }),
});

const priorities = { HIGH: 500_000, NORMAL: 1_000_000, LOW: 1_500_000 };
const DAY_SECONDS = 86_400;

export function createPlainResolvers(redisUrl: string) {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue('plain', { connection: redis });

  const jobIn = (id: string, { status, workflow, priority, tags, createdAt }: Record<string, string>) =>
    status === undefined ? null : { id, status, workflow, priority, tags: JSON.parse(tags ?? '[]'), createdAt };

  const read = async (id: string) => jobIn(id, await redis.hgetall(`plain:job:${id}`));

  /** The first that wait: there is no other index. */
  async function readFirst(first: number) {
    const ids = (await queue.getRanges(['prioritized'], 0, first - 1)).map(String);
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hgetall(`plain:job:${id}`);
    const records = (await pipeline.exec()) ?? [];
    return { nodes: records.map(([, record], i) => jobIn(ids[i] ?? '', record as Record<string, string>)) };
  }

  return {
    Query: {
      job: (_root: unknown, { id }: { id: string }) => read(id),
      jobs: (_root: unknown, { first }: { first: number }) => readFirst(first),
    },
    Mutation: {
      async generate(_root: unknown, args: { input: unknown }) {
        const { idempotencyKey, workflow, priority, tags } = inputSchema.parse(args.input);
        const id = randomUUID();
        const key = `plain:idem:${idempotencyKey}`;
        const first = await redis.set(key, id, 'EX', DAY_SECONDS, 'NX');
        if (first === null) return { job: await read((await redis.get(key)) ?? ''), replayed: true };

        const parameters = { ...workflow.textToImage, seed: workflow.textToImage.seed ?? randomInt(2 ** 48 - 1) };
        const job = {
          id,
          status: 'QUEUED',
          workflow: 'textToImage',
          priority,
          tags: tags ?? [],
          createdAt: new Date().toISOString(),
        };
        await redis.hset(`plain:job:${id}`, {
          ...job,
          tags: JSON.stringify(job.tags),
          parameters: JSON.stringify(parameters),
        });
        const options = { jobId: id, priority: priorities[priority], removeOnComplete: true, removeOnFail: true };
        await queue.add('job', null, options);
        return { job, replayed: false };
      },
    },
  };
}
