import type { Attack, Client } from './attack.ts';
import { ask, openSocket, openWire, postBytes, send, subscribeFrame, textFrame } from './wire.ts';

const SUBSCRIPTIONS = 100;
/** As many as a document of 10,000 tokens has room for. */
const ENUMS = 9_900;
const ID_CHARACTERS = 1_000_000;
const FIELDS = 30;
const LEVELS = 100_000;

/** Subscriptions that stay open, each with a long document of its own. A turn is a document. */
export const keptDocuments: Attack = {
  usual: { clients: 3, perSecond: 10 },
  async run(client) {
    const socket = await openSocket(client);
    socket.read(true);
    const list = 'QUEUED '.repeat(ENUMS);
    for (let i = 0; i < SUBSCRIPTIONS; i++) {
      await client.turn();
      const own = `subscription S${Math.random().toString(36).slice(2)}`;
      await socket.write(subscribeFrame(String(i), `${own} { jobsProgress(filter: { status: [${list}] }) { seq } }`));
    }
    await socket.closed;
  },
};

/** Ids as long as a body can be, each used thirty times. A turn is a request. */
export const longIds: Attack = {
  usual: { clients: 4, perSecond: 2 },
  run: (client) => askAgainAndAgain(client, fieldsOf('job(id: $id) { id }'), { id: 'x'.repeat(ID_CHARACTERS) }),
};

/** Names and cursors of that length. A turn is a request. */
export const longNames: Attack = {
  usual: { clients: 2, perSecond: 2 },
  run: (client) =>
    askAgainAndAgain(
      client,
      'query ($id: String!) { workflow(name: $id) { name } jobs(after: $id, filter: { tag: $id }) { nodes { id } } }',
      { id: 'x'.repeat(ID_CHARACTERS) },
    ),
};

async function askAgainAndAgain(client: Client, query: string, variables: { id: string }): Promise<void> {
  const declared = query.startsWith('query') ? query : `query ($id: ID!) { ${query} }`;
  for (;;) {
    await client.turn();
    await ask(client, declared, variables);
  }
}

function fieldsOf(field: string): string {
  return Array.from({ length: FIELDS }, (_, i) => `a${i}: ${field}`).join(' ');
}

/** Variables that nest deeper than a parser descends, over a socket. A turn is a message. */
export const deepVariables: Attack = {
  usual: { clients: 2, perSecond: 5 },
  async run(client) {
    const socket = await openSocket(client);
    socket.read(true);
    const query = 'query ($f: JobFilter) { jobs(filter: $f) { nodes { id } } }';
    const message = JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { f: '@' } } });
    const deep = textFrame(message.replace('"@"', '['.repeat(LEVELS) + ']'.repeat(LEVELS)));
    for (;;) {
      await client.turn();
      await socket.write(deep);
    }
  },
};

/** The same over HTTP, and documents that nest. A turn is a request. */
export const deepBodies: Attack = {
  usual: { clients: 2, perSecond: 5 },
  async run(client) {
    const headers = { 'content-type': 'application/json' };
    for (;;) {
      await client.turn();
      const nested = '['.repeat(LEVELS) + ']'.repeat(LEVELS);
      await send(client, { headers, body: `{"query":"{ __typename }","variables":{"f":${nested}}}` });
      await client.turn();
      await ask(client, `${'{ jobs '.repeat(LEVELS / 10)}${'}'.repeat(LEVELS / 10)}`);
    }
  },
};

/** Bodies that are announced and come a byte at a time. A turn is a byte. */
export const slowBodies: Attack = {
  usual: { clients: 50, perSecond: 1 },
  async run(client) {
    const body = JSON.stringify({ query: '{ __typename }', variables: { x: 'x'.repeat(100_000) } });
    const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
    async function* bytes() {
      yield Buffer.from(body.slice(0, -1_000));
      for (const byte of body.slice(-1_000)) {
        await client.turn();
        yield Buffer.from(byte);
      }
    }
    await send(client, { headers, body: bytes() });
  },
};

/** Requests sent one behind the other on one connection, whose answers are not read. A turn is ten requests. */
export const pipelined: Attack = {
  usual: { clients: 4, perSecond: 20 },
  async run(client) {
    const wire = await openWire(client);
    const query = '{ __schema { types { name description fields { name description } } } }';
    const ten = Buffer.concat(Array(10).fill(postBytes(client.url, JSON.stringify({ query }))));
    for (;;) {
      await client.turn();
      await wire.write(ten);
    }
  },
};
