import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createClient } from 'graphql-ws';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { disposals } from '../support/disposals.ts';
import { eventually, type Gateway, onlySimulator, openProduct, type Product } from '../support/product.ts';

const pictureSchema = z.object({
  data: z.object({
    generate: z.object({
      job: z.object({ status: z.string(), artifacts: z.array(z.object({ url: z.string() })) }),
    }),
  }),
});

/** The commands of the README that hold answers, as they stand there. */
async function readmeCommands(): Promise<string[]> {
  const text = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  return [...text.matchAll(/```sh\n([^`]*waitSeconds[^`]*)```/g)].flatMap(([, command]) => command ?? []);
}

async function shell(command: string): Promise<string> {
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk));
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  return text;
}

describe('without watching', { timeout: 240_000 }, () => {
  const suite = disposals();
  let product: Product;
  let gateway: Gateway;

  beforeAll(async () => {
    product = await openProduct(suite);
    gateway = await product.gateway();
    await product.worker();
  }, 240_000);

  it('goes with one curl from prompt to picture, as the README says', async () => {
    const commands = await readmeCommands();
    expect(commands).toHaveLength(1);
    const answer = await shell((commands[0] ?? '').replaceAll('http://127.0.0.1:4000', gateway.url));
    const { job } = pictureSchema.parse(JSON.parse(answer)).data.generate;
    expect(job.status).toBe('SUCCEEDED');
    const picture = await fetch(job.artifacts[0]?.url ?? '');
    expect(picture.headers.get('content-type')).toBe('image/png');
    expect(
      Buffer.from(await picture.arrayBuffer())
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  });

  it('is answered with the job as it is by a gateway that is told to stop', async () => {
    const other = await product.gateway();
    const { faults } = onlySimulator(product);
    faults.current.hold = true;
    onTestFinished(() => faults.reset());
    const answer = other.tryGenerate({ key: 'stopped', input: { waitSeconds: 60 } });
    await eventually(async () => (await running()).length === 1, 'it runs');
    // The gateway tells its watchers in the order in which they came: the call, which came first, has heard it too.
    const watching = other.watch((await running()).join());
    await watching.until(({ job: { status } }) => status === 'RUNNING');
    watching.leave();
    const began = performance.now();
    expect(await other.process.stop()).toBe(0);
    const { status, data } = await answer;
    expect(status).toBe(200);
    expect(data).toMatchObject({ generate: { replayed: false, job: { status: 'RUNNING' } } });
    expect(performance.now() - began).toBeLessThan(15_000);
    faults.reset();
    const again = await gateway.tryGenerate({ key: 'stopped', input: { waitSeconds: 60 } });
    expect(again.data).toMatchObject({ generate: { replayed: true, job: { status: 'SUCCEEDED' } } });
  });

  const running = () => product.admin.zrange(product.keys.status('RUNNING'), 0, -1);

  it('I3: a dashboard sees all events of 40 jobs at two gateways while connections to Redis are killed', async () => {
    const gateways = [gateway, await product.gateway()];
    const dashboards = await Promise.all(gateways.map(({ url }) => openDashboard(url)));
    const channel = product.keys.changes('anonymous');
    await eventually(async () => (await product.admin.pubsub('NUMSUB', channel))[1] === 2, 'both gateways follow');

    const jobs: string[] = [];
    for (let i = 0; i < 40; i++) {
      jobs.push((await gateways[i % 2]?.generate())?.id ?? '');
      await product.admin.client('KILL', 'TYPE', 'pubsub');
    }
    const [canceled = ''] = jobs.slice(-1);
    await gateway.cancel(canceled);
    await eventually(
      async () => {
        await product.admin.client('KILL', 'TYPE', 'pubsub');
        return (await product.admin.zcard(product.keys.open)) === 0;
      },
      'all have ended',
      60_000,
    );

    for (const events of dashboards) {
      for (const id of jobs) {
        const log = await product.admin.xrange(product.keys.events(id), '-', '+');
        const life = log.map(([place, fields]) => ({ seq: Number.parseInt(place, 10), type: fields[1] }));
        await vi.waitFor(
          () => expect(events.filter(({ job }) => job.id === id).at(-1)?.seq).toBe(life.at(-1)?.seq),
          10_000,
        );
        const told = events.filter(({ job }) => job.id === id).map(({ seq, type }) => ({ seq, type }));
        expect(told).toEqual(life);
      }
      expect(new Set(events.map(({ job }) => job.id))).toEqual(new Set(jobs));
      for (const { seq, job } of events) expect(job.seq).toBeGreaterThanOrEqual(seq);
      for (const { type, job } of events) if (type === 'SUCCEEDED') expect(job.artifacts).toHaveLength(1);
    }
  });
});

const eventSchema = z.object({
  seq: z.int(),
  type: z.string(),
  job: z.object({ id: z.string(), seq: z.int(), artifacts: z.array(z.object({ url: z.string() })) }),
});

/** All that a dashboard is told; its own connection must hold. */
async function openDashboard(url: string) {
  const events: z.infer<typeof eventSchema>[] = [];
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  const query = 'subscription { jobsProgress { seq type job { id seq artifacts { url } } } }';
  const ended = (async () => {
    for await (const { data, errors } of client.iterate({ query })) {
      if (errors) throw new Error(errors.map(({ message }) => message).join());
      events.push(z.object({ jobsProgress: eventSchema }).parse(data).jobsProgress);
    }
  })();
  ended.catch((error: unknown) => console.error('a dashboard was lost', error));
  onTestFinished(() => void client.dispose());
  return events;
}
