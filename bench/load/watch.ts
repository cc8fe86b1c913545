// Opens sockets that each watch one job, and counts the events that arrive. It does not parse them, so that most of the
// machine's time is left to the server.
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
      job { id status progress { fraction nodesDone nodesTotal node { nodeId classType title step totalSteps } } }
    }
  }
`;

/** The number of sockets that are being opened at a time. */
const BATCH = 50;
/** A gateway takes so many from one address, so the others come from a second one. */
const OF_ONE_ADDRESS = 5_000;
const NEXT = Buffer.from('"type":"next"');
const ERROR = Buffer.from('"errors":');
const END = Buffer.from('"SUCCEEDED"');

const sockets: WebSocket[] = [];
let events = 0;
/** The sockets that have received an event. */
let watching = 0;
let fault: string | undefined;
/** When each socket received SUCCEEDED, in milliseconds since 1970. */
const endedAt: number[] = [];

async function openOne(url: string, id: string) {
  const localAddress = sockets.length < OF_ONE_ADDRESS ? '127.0.0.1' : '127.0.0.2';
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false, localAddress });
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
      if (data.includes(END)) endedAt.push(Date.now());
      return;
    }
    const { type } = JSON.parse(data.toString());
    if (type === 'connection_ack') {
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { id } } }));
      acknowledged.resolve();
    } else if (type !== 'ping' && type !== 'pong' && type !== 'complete') fault ??= data.toString();
  });
  socket.on('close', (code) => acknowledged.reject(new Error(`closed with ${code}`)));
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

/** Opens up to `most` sockets until one is refused. Returns their number, and the reason of the refusal. */
async function openUntilRefused(args: unknown) {
  const { url, ids, sockets: most } = openSchema.parse(args);
  const address = url.replace('http', 'ws');
  for (let held = 0; held < most; held++) {
    try {
      await openOne(address, ids[held % ids.length] ?? '');
    } catch (error) {
      sockets.pop();
      fault = undefined;
      return { held, refusal: String(error) };
    }
  }
  return { held: most, refusal: null };
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

function ends() {
  return { notified: endedAt.length, lastAt: endedAt.at(-1) ?? 0 };
}

function close() {
  for (const socket of sockets.splice(0)) socket.terminate();
  events = watching = endedAt.length = 0;
}

answerParent({ open, openUntilRefused, state, ends, measure, close });
process.once('disconnect', () => process.exit(0));
process.stdout.write('ready\n');
