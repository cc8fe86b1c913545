import type { Attack } from './attack.ts';
import { openSocket, subscribeFrame, textFrame } from './wire.ts';

const BATCH = 200;

/** A socket that sends batches of messages without a pause, and reads all answers. A turn is 200 messages. */
function flood(message: (i: number) => Buffer): Attack {
  return {
    usual: { clients: 2, perSecond: 20 },
    async run(client) {
      const socket = await openSocket(client);
      socket.read(true);
      for (let begun = 0; ; begun += BATCH) {
        await client.turn();
        await socket.write(Buffer.concat(Array.from({ length: BATCH }, (_, i) => message(begun + i))));
      }
    },
  };
}

export const pingFlood = flood(() => textFrame('{"type":"ping"}'));
export const queryFlood = flood((i) => subscribeFrame(String(i), '{ __typename }'));
export const refusalFlood = flood((i) => subscribeFrame(String(i), '{ nothing }'));
