import type { Attack } from './attack.ts';
import { openSocket, pingFrame, subscribeFrame, textFrame } from './wire.ts';

/** Bytes that a client sends in one turn. */
const BATCH_BYTES = 32 * 1024;

/** A socket that sends the same message again and again, and reads none of the answers. */
function deaf(message: Buffer): Attack {
  const batch = Buffer.concat(Array(Math.ceil(BATCH_BYTES / message.length)).fill(message));
  return {
    usual: { clients: 2, perSecond: 40 },
    async run(client) {
      const socket = await openSocket(client);
      for (;;) {
        await client.turn();
        await socket.write(batch);
      }
    },
  };
}

/** A turn is 32 KiB of pings of the protocol. */
export const deafPings = deaf(textFrame('{"type":"ping"}'));
/** A turn is 32 KiB of pings whose payload comes back. */
export const deafPingsWithPayload = deaf(
  textFrame(JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(200) } })),
);
/** A turn is 32 KiB of WebSocket's own pings. */
export const deafFramePings = deaf(pingFrame(100));
/** A turn is 32 KiB of operations that are refused. */
export const deafRefusals = deaf(subscribeFrame('refused', '{'));
