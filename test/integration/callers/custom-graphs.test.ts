import { afterAll, beforeAll, expect, it } from 'vitest';
import { isToldApart } from '../../../src/callers/identity.ts';
import type { NodeRules } from '../../../src/workflows/check-nodes.ts';
import { callerNamed } from '../../support/identities.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases, type UseCases } from '../../support/use-cases.ts';

let server: TestRedis;
let product: UseCases;
let rules: NodeRules = {};
const caller = callerNamed('caller', { keyId: 'key' });

beforeAll(async () => {
  server = await startTestRedis();
  product = await openUseCases(server.url, { nodeRules: (identity) => (isToldApart(identity) ? rules : null) });
});
afterAll(async () => {
  await product.close();
  await server.close();
});

const graph = { 1: { class_type: 'LoadImageOutput', inputs: { image: 'x.png' } } };
const denied = { details: { code: 'BAD_USER_INPUT', issues: [expect.objectContaining({ code: 'node_denied' })] } };
const generate = (identity = caller, idempotencyKey = 'k') =>
  product.generate({ identity, idempotencyKey, workflow: { name: 'custom', input: { graph } } });

it('A30 a class that the plan does not allow is refused at its node; where nobody is told apart none is', async () => {
  const path = ['input', 'workflow', 'custom', 'graph', '1', 'class_type'];
  await expect(generate()).rejects.toMatchObject({
    details: { code: 'BAD_USER_INPUT', issues: [{ path, code: 'node_denied' }] },
  });
  expect(await generate(callerNamed('anonymous'))).toMatchObject({ replayed: false });
});

it('what was accepted before the plan changed is given back to who repeats the call, and not run again', async () => {
  rules = { allow: ['*', '@reads'] };
  const { job } = await generate();
  await product.jobs.cancel(caller, job.id);
  const retry = (idempotencyKey: string) =>
    product.jobs.retry({ identity: caller, requestId: 'r', id: job.id, idempotencyKey });
  const again = await retry('again');
  rules = {};
  expect(await generate()).toMatchObject({ replayed: true, job: { id: job.id } });
  await expect(generate(caller, 'new')).rejects.toMatchObject(denied);
  expect(await retry('again')).toMatchObject({ replayed: true, job: { id: again.job.id } });
  await expect(retry('once more')).rejects.toMatchObject(denied);
});
