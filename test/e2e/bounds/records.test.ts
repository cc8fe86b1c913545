import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { expect, it } from 'vitest';
import { openProduct } from '../../support/product.ts';

/** Of 127.0.0.0/8, all of which are this machine. */
const FLOODING = '127.0.0.2';
const HONEST = '127.0.0.3';

const MOST_BYTES = 12 * 1024 * 1024;

it('B06 a flood of tiny jobs, canceled at once, ends at its share of Redis, and nobody else sees it', async (test) => {
  const product = await openProduct(test, { redisConfig: { maxmemory: String(MOST_BYTES) } });
  const gateway = await product.gateway({ LOG_LEVEL: 'warn' });
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  test.onTestFinished(async () => agent.destroy());

  function post(from: string, query: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const options = { port: gateway.port, path: '/graphql', method: 'POST', headers, agent, localAddress: from };
      request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve(text)).on('error', reject);
      })
        .on('error', reject)
        .end(JSON.stringify({ query }));
    });
  }
  const input = () =>
    `{ idempotencyKey: "${randomUUID()}", priority: HIGH, workflow: { textToImage: { prompt: "a" } } }`;
  const generate = (from: string) => post(from, `mutation { generate(input: ${input()}) { job { id } } }`);

  let refusal = '';
  let made = 0;
  async function flood() {
    while (refusal === '') {
      const answer = await generate(FLOODING);
      const id = /"id":"([0-9a-f-]{36})"/.exec(answer)?.[1];
      if (id === undefined) refusal = answer;
      else await post(FLOODING, `mutation { cancelJob(id: "${id}") { status } }`);
      made++;
    }
  }
  const slow: number[] = [];
  async function work() {
    while (refusal === '') {
      const began = performance.now();
      expect(await generate(HONEST)).toMatch(/"id":/);
      slow.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  await Promise.all([work(), ...Array.from({ length: 20 }, flood)]);
  expect(JSON.parse(refusal)).toMatchObject({
    data: { generate: null },
    errors: [
      {
        message: expect.stringMatching(/there is no room for more: delete some that have ended, or wait until they/),
        extensions: { code: 'LIMIT_EXCEEDED' },
      },
    ],
  });
  expect(made).toBeGreaterThan(200);
  const used = async () => Number(/^used_memory:(\d+)/m.exec(await product.admin.info('memory'))?.[1]);
  expect(await used()).toBeLessThan(0.9 * MOST_BYTES);
  // Behind it, too: nobody else pays for it. What Redis gets back of its buffers meanwhile makes room for a few more,
  // within the same share.
  let more = 0;
  while (!(await generate(FLOODING)).includes('LIMIT_EXCEEDED')) more++;
  expect(more).toBeLessThan(made / 10);
  expect(await used()).toBeLessThan(0.9 * MOST_BYTES);
  expect(await generate(HONEST)).toMatch(/"id":/);
}, 240_000);
