import type { Attack } from './attack.ts';
import { ask, openSocket, openWire, postBytes } from './wire.ts';

/** Sockets by the thousand that do nothing. A turn is a socket. */
export const idleSockets: Attack = {
  usual: { clients: 3_000, perSecond: 0.1 },
  async run(client) {
    await client.turn();
    await (await openSocket(client)).closed;
  },
};

/** Connections by the thousand that never ask. A turn is a connection. */
export const idleConnections: Attack = {
  usual: { clients: 2_000, perSecond: 0.1 },
  async run(client) {
    await client.turn();
    const wire = await openWire(client);
    await wire.write('POST /graphql HTTP/1.1\r\n');
    await wire.closed;
  },
};

/** Subscriptions over SSE by the thousand, which nobody reads. A turn is a subscription. */
export const eventStreams: Attack = {
  usual: { clients: 2_000, perSecond: 0.1 },
  async run(client) {
    await client.turn();
    const wire = await openWire(client);
    const query = `subscription S${Math.random().toString(36).slice(2)} { jobsProgress { job { id status } } }`;
    await wire.write(postBytes(client.url, JSON.stringify({ query }), { Accept: 'text/event-stream' }));
    await wire.closed;
  },
};

/** Answers that are held for a minute, by the hundred: of any job that is open. A turn is a call. */
export const heldAnswers: Attack = {
  usual: { clients: 500, perSecond: 0.1 },
  async run(client) {
    await client.turn();
    const open = '{ jobs(first: 1, filter: { status: [QUEUED, RUNNING] }) { nodes { id } } }';
    const { text } = await ask(client, open);
    const [, id] = /"id":"([^"]+)"/.exec(text) ?? [];
    if (id !== undefined) await ask(client, 'query ($id: ID!) { job(id: $id, waitSeconds: 60) { id } }', { id });
  },
};
