// Opens sockets that each watch one job, and counts the events that come. Events are counted, not parsed, so that the machine's
// time goes to the server.
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { answerParent } from '../rpc.ts';

const openSchema = z.object({ url: z.url(), ids: z.array(z.string()), sockets: z.int() });
const measureSchema = z.object({ ms: z.number() });

const query = /* GraphQL */ `
  subscription Watch($id: ID!) {
    jobProgress(id: $id) {
      seq type at
      job { id status progress { fraction nodesDone nodesTotal node { id classType title step totalSteps } } }
    }
  }
`;

/** Sockets that are being opened at a time. */
const BATCH = 50;
const NEXT = Buffer.from('"type":"next"');
const ERROR = Buffer.from('"errors":');

const sockets: WebSocket[] = [];
let events = 0;
/** Sockets that have had an event. */
let watching = 0;
let fault: string | undefined;

async function openOne(url: string, id: string) {
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
  sockets.push(socket);
  const acknowledged = Promise.withResolvers<void>();
  let seen = false;
  socket.on('open', () => socket.send('{"type":"connection_init"}'));
  socket.on('error', (error) => {
    fault ??= error.message;
    acknowledged.reject(error);
  });
  socket.on('message', (data: Buffer) => {
    if (data.subarray(0, 64).includes(NEXT)) {
      if (!seen && data.includes(ERROR)) fault ??= data.toString();
      events++;
      if (!seen) watching++;
      seen = true;
      return;
    }
    const { type } = JSON.parse(data.toString());
    if (type === 'connection_ack') {
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { id } } }));
      acknowledged.resolve();
    } else if (type !== 'ping' && type !== 'pong') fault ??= data.toString();
  });
  await acknowledged.promise;
}

async function open(args: unknown) {
  const { url, ids, sockets: count } = openSchema.parse(args);
  const address = url.replace('http', 'ws');
  for (let i = 0; i < count; i += BATCH) {
    const batch = Math.min(BATCH, count - i);
    await Promise.all(Array.from({ length: batch }, (_, k) => openOne(address, ids[(i + k) % ids.length] ?? '')));
  }
}

function state() {
  if (fault !== undefined) throw new Error(fault);
  return { events, watching };
}

async function measure(args: unknown) {
  const { ms } = measureSchema.parse(args);
  const before = { events: state().events, at: performance.now() };
  await delay(ms);
  return { perSecond: ((state().events - before.events) / (performance.now() - before.at)) * 1000 };
}

function close() {
  for (const socket of sockets.splice(0)) socket.terminate();
  events = watching = 0;
}

answerParent({ open, state, measure, close });
process.once('disconnect', () => process.exit(0));
process.stdout.write('ready\n');
