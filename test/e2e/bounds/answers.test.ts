import { beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { disposals } from '../../support/disposals.ts';
import { CONTAINER_BYTES, frame, postUnread, rawSocket, SMALL_HEAP } from '../../support/flood.ts';
import { testEvent, testJob } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { latencies } from '../../support/latencies.ts';
import { watchMemory } from '../../support/process-limits.ts';
import { eventually, type Gateway, openProduct } from '../../support/product.ts';

const MB = 1_000_000;
/** A graph of nearly a megabyte, which consists of as many small values. */
const inputs = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`input_number_${i}`, i]));
const graph = Object.fromEntries(Array.from({ length: 860 }, (_, i) => [i, { class_type: 'SaveImage', inputs }]));
const GENERATE = `mutation G($key: String!, $graph: JSON!) {
  generate(input: { idempotencyKey: $key, workflow: { custom: { graph: $graph } } }) { job { id } } }`;
const generated = z.object({ data: z.object({ generate: z.object({ job: z.object({ id: z.string() }) }) }) });
const aliases = (count: number, field: string) => Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ');

describe('B02 large answers', { timeout: 120_000 }, () => {
  const suite = disposals();
  let gateway: Gateway;
  let id: string;

  beforeAll(async () => {
    // Without a worker the job stays as it is.
    gateway = await (await openProduct(suite)).gateway(SMALL_HEAP);
    const body = JSON.stringify({ query: GENERATE, variables: { key: 'large', graph } });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body });
    const text = await response.text();
    expect(text).toContain('"id"');
    id = generated.parse(JSON.parse(text)).data.generate.job.id;
  }, 240_000);

  it('B02 an answer that becomes too long says so, with what fits', async () => {
    const one = await gateway.post(`query J($id: ID!) { ${aliases(5, 'job(id: $id) { parameters }')} }`, { id });
    expect(one.errors).toEqual([]);
    const many = await gateway.post(`query J($id: ID!) { ${aliases(30, 'job(id: $id) { parameters }')} }`, { id });
    expect(many.errors[0]).toMatchObject({ extensions: { code: 'LIMIT_EXCEEDED' } });
    expect(many.errors[0]?.message).toMatch(/longer than 8388608 bytes: ask for fewer/);
    expect(JSON.stringify(many.data).length).toBeLessThan(9 * MB);
  });

  it('B02 sixty connections that ask for much and read nothing are refused, others are answered', async () => {
    const peak = await watchMemory(gateway.process.pid);
    const query = `query J($id: ID!) { ${aliases(30, 'job(id: $id) { parameters }')} }`;
    const asked = Array.from({ length: 60 }, () => postUnread(gateway.port, { query, variables: { id } }));
    await Promise.all(asked.map(({ head }) => head));
    await latencies(gateway.url, 20);
    expect((await gateway.job(id))?.id).toBe(id);
    expect(await peak()).toBeLessThan(CONTAINER_BYTES);
    // How many is the system's, which may hold a whole answer of a connection.
    const texts = await Promise.all(asked.map(({ text }) => text()));
    expect(texts.some((text) => text.includes('Too much waits for your address'))).toBe(true);
  });

  it('B02 six sockets with a hundred large subscriptions each, unread, take a few answers', async () => {
    const peak = await watchMemory(gateway.process.pid);
    let answered = 0;
    for (let s = 0; s < 6; s++) {
      const socket = await rawSocket(gateway.port);
      socket.on('data', (chunk: Buffer) => {
        answered += chunk.toString('latin1').split(/"type":"(?:next|error)"/).length - 1;
      });
      // Redis is asked in the order of the sockets: what the last one gets comes behind all others.
      if (s < 5) socket.pause();
      for (let i = 0; i < 100; i++) {
        const query = `subscription W($id: ID!) { jobProgress(id: $id) { job { a${s}_${i}: parameters } } }`;
        const message = { id: String(i), type: 'subscribe', payload: { query, variables: { id } } };
        socket.write(frame(JSON.stringify(message)));
      }
    }
    await eventually(() => answered >= 95, 'the socket that reads is answered', 60_000);
    await latencies(gateway.url, 20);
    expect(await peak()).toBeLessThan(CONTAINER_BYTES);
  });
});

describe('B02 answers and their clients', () => {
  it('B02 each event of a subscription is an answer of its own, in which aliases count', async () => {
    const { socketUrl, services } = await startTestServer();
    services.feed.open('job');
    const port = Number(new URL(socketUrl).port);
    const socket = await rawSocket(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    const query = `subscription { jobProgress(id: "job") { seq job { ${aliases(30, 'parameters')} } } }`;
    socket.write(frame(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } })));
    await eventually(() => services.feed.stats().watchers === 1, 'it watches');
    const large = testJob({ parameters: { text: 'x'.repeat(1_000_000) } });
    services.feed.say('job', testEvent(2, { job: large }));
    await eventually(() => text.includes('LIMIT_EXCEEDED'), 'the event is refused');
    services.feed.say('job', testEvent(3, { job: testJob() }));
    await eventually(() => text.includes('"seq":3'), 'the next event comes');
    expect(text.length).toBeLessThan(10_000);
  });

  it('B02 an answer that its client does not take is given up, as are events', async () => {
    const onAnswered = vi.fn();
    const { server, services } = await startTestServer({ timeouts: { stillMs: 300 }, onAnswered });
    services.feed.open('job');
    services.jobs.get = async () => testJob({ parameters: { text: 'x'.repeat(8_000_000) } });
    const stuck = Array.from({ length: 2 }, () =>
      postUnread(server.port, { query: '{ job(id: "x") { parameters } }' }),
    );
    expect(await Promise.all(stuck.map(({ head }) => head))).toEqual([200, 200]);
    await eventually(() => onAnswered.mock.calls.length === 2, 'both are given up');

    const query = 'subscription { jobProgress(id: "job") { job { parameters } } }';
    const stream = postUnread(server.port, { query }, { accept: 'text/event-stream' });
    expect(await stream.head).toBe(200);
    const large = testJob({ parameters: { text: 'x'.repeat(7_000_000) } });
    for (let seq = 2; seq < 5; seq++) services.feed.say('job', testEvent(seq, { job: large }));
    await eventually(() => services.feed.stats().watchers === 0, 'it is no longer watched');
  });

  it('B02 bodies that are still being sent are counted, too', async () => {
    const { server, post } = await startTestServer({ maxBodyBytes: 10_000_000 });
    const body = { query: '{ __typename }', variables: { padding: 'x'.repeat(9_000_000) } };
    const slow = [
      postUnread(server.port, body, { unfinished: true }),
      postUnread(server.port, body, { unfinished: true }),
    ];
    await eventually(
      async () => (await postUnread(server.port, body).head) === 429,
      'what is sent already takes all the room of its address',
    );
    expect((await post({ query: '{ __typename }' })).status).toBe(200);
    for (const { outgoing } of slow) outgoing.destroy();
    await eventually(async () => (await postUnread(server.port, body).head) === 200, 'there is room again');
  });
});
