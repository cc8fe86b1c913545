import type { Attack } from './attack.ts';
import { openSocket, openWire, postBytes, subscribeFrame } from './wire.ts';

const SUBSCRIPTIONS = 100;
const FIELDS = 30;

/** Sockets that do not read, each with a hundred subscriptions whose first event is large. A turn is a socket. */
export const largeEvents: Attack = {
  usual: { clients: 6, perSecond: 1 },
  async run(client) {
    await client.turn();
    const socket = await openSocket(client);
    const query = 'subscription ($id: ID!) { jobProgress(id: $id) { job { parameters } } }';
    for (let i = 0; i < SUBSCRIPTIONS; i++) {
      await socket.write(subscribeFrame(String(i), query, { id: client.largeJobId }));
    }
    await socket.closed;
  },
};

/** Connections that ask for one large job thirty times, and do not read the answer. A turn is a request. */
export const largeFields: Attack = {
  usual: { clients: 60, perSecond: 1 },
  async run(client) {
    await client.turn();
    const wire = await openWire(client);
    const fields = Array.from({ length: FIELDS }, (_, i) => `a${i}: job(id: $id) { parameters }`).join(' ');
    const query = `query ($id: ID!) { ${fields} }`;
    await wire.write(postBytes(client.url, JSON.stringify({ query, variables: { id: client.largeJobId } })));
    await wire.closed;
  },
};
