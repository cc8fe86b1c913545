import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/core/canonical-json.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { callerNamed } from '../../support/identities.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases, type UseCases } from '../../support/use-cases.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

let server: TestRedis;
let product: UseCases;

beforeAll(async () => {
  server = await startTestRedis();
  product = await openUseCases(server.url);
});
afterAll(async () => {
  await product.close();
  await server.close();
});

const entryOf = (key: string) => product.keys.idempotency('anonymous', sha256(key));

/** As if so much time had passed since the key was used. */
async function pass(key: string, ms: number) {
  const left = await product.redis.pttl(entryOf(key));
  await product.redis.pexpire(entryOf(key), left - ms);
}

describe('an idempotency key', () => {
  it('A39 gives its job after 23 hours and 59 minutes, and may make another after 24 hours and one', async () => {
    const idempotencyKey = randomUUID();
    const { job } = await product.generate({ idempotencyKey });
    expect(await product.redis.pttl(entryOf(idempotencyKey))).toBeLessThanOrEqual(DAY_MS);
    await pass(idempotencyKey, DAY_MS - MINUTE_MS);
    expect(await product.generate({ idempotencyKey })).toMatchObject({ replayed: true, job: { id: job.id } });
    await pass(idempotencyKey, 2 * MINUTE_MS);
    const later = await product.generate({ idempotencyKey });
    expect(later.replayed).toBe(false);
    expect(later.job.id).not.toBe(job.id);
  });

  it('A40 gives the job that it made though that has FAILED', async () => {
    const idempotencyKey = randomUUID();
    const { job } = await product.generate({ idempotencyKey });
    await (await product.start(job.id)).fail();
    expect(await product.generate({ idempotencyKey })).toMatchObject({
      replayed: true,
      job: { id: job.id, status: 'FAILED' },
    });
  });

  it('A37 is of one caller: the same makes a job of its own for another', async () => {
    const idempotencyKey = randomUUID();
    const { job } = await product.generate({ idempotencyKey });
    const other = await product.generate({ idempotencyKey, identity: callerNamed('somebody') });
    expect(other.replayed).toBe(false);
    expect(other.job.id).not.toBe(job.id);
  });

  describe('with what the editor saves', () => {
    const file = {
      nodes: [
        { id: 1, type: 'EmptyImage', inputs: [], outputs: [{ links: [1] }], widgets_values: [64, 64, 1, 255] },
        { id: 2, type: 'PreviewImage', inputs: [{ name: 'images', type: 'IMAGE', link: 1 }], outputs: [] },
      ],
      links: [[1, 1, 0, 2, 0, 'IMAGE']],
      version: 0.4,
    };
    const workflow = { name: 'custom', input: { graph: file, outputs: ['2'] } };
    const emptyImage = (order: string[]) => {
      const number = ['INT', { min: 0, max: 99_999 }];
      return { input: { required: Object.fromEntries(order.map((name) => [name, number])) }, output: ['IMAGE'] };
    };
    const preview = { input: { required: { images: ['IMAGE'] } }, output: [], output_node: true };
    const usual = { EmptyImage: emptyImage(['width', 'height', 'batch_size', 'color']), PreviewImage: preview };
    const later: [what: string, classes: object][] = [
      ['make another graph of it', { ...usual, EmptyImage: emptyImage(['color', 'width', 'height', 'batch_size']) }],
      ['lack one', { PreviewImage: preview }],
    ];

    it.for(later)('gives its job though the servers now %s', async ([, classes]) => {
      const servers = { classes: objectInfoSchema.parse(usual) };
      const changing = await openUseCases(server.url, { editorClasses: async () => servers.classes });
      try {
        const idempotencyKey = randomUUID();
        const { job } = await changing.generate({ idempotencyKey, workflow });
        expect(job.parameters).toEqual({
          graph: {
            '1': expect.objectContaining({ inputs: { width: 64, height: 64, batch_size: 1, color: 255 } }),
            '2': expect.objectContaining({ class_type: 'PreviewImage', inputs: { images: ['1', 0] } }),
          },
          editorWorkflow: file,
          outputs: ['2'],
        });
        servers.classes = objectInfoSchema.parse(classes);
        const again = await changing.generate({ idempotencyKey, workflow });
        expect(again).toMatchObject({ replayed: true, job: { id: job.id, parameters: job.parameters } });
        // Another file is another input, whatever becomes of it.
        const other = { name: 'custom', input: { graph: { ...file, extra: { a: 1 } } } };
        const refusal = expect(changing.generate({ idempotencyKey, workflow: other })).rejects;
        await refusal.toMatchObject({ details: { code: 'IDEMPOTENCY_KEY_REUSED', jobId: job.id } });
      } finally {
        await changing.close();
      }
    });

    it('is refused at its place under a new key', async () => {
      const strange = { ...file, nodes: [{ id: 1, type: 'NoSuchClass', inputs: [], outputs: [] }], links: [] };
      const refused = product.generate({ workflow: { name: 'custom', input: { graph: strange } } });
      const issue = { code: 'editor_format', path: ['input', 'workflow', 'custom', 'graph'] };
      await expect(refused).rejects.toMatchObject({ details: { code: 'BAD_USER_INPUT', issues: [issue] } });
      await expect(refused).rejects.toThrow('NoSuchClass');
    });
  });
});
