import type { IncomingMessage } from 'node:http';
import { type BoundUse, createShares } from '../../async/shares.ts';
import { afterRunning } from '../../async/timeout.ts';
import { clientAddress } from '../client-address.ts';
import type { Refusal } from './refusals.ts';

export interface UploadBounds {
  /** Files that are taken at a time from one client, by its address. Default: 32. */
  ofClient: number;
  /** The same from all, of which each may have half of what the others leave (shares.ts). Default: 256. */
  ofAll: number;
  /** A client that sends less in `windowMs`, without coming to the end of its file, is given up. Default: 16 KiB. */
  leastBytesPerSecond: number;
  /** Default: 30 s, since a telephone may be without a network for some of them. */
  windowMs: number;
}

const DEFAULTS: UploadBounds = { ofClient: 32, ofAll: 256, leastBytesPerSecond: 16 * 1024, windowMs: 30_000 };

export interface UploadGate {
  /**
   * Lets a file in: gives the refusal where there are enough already, otherwise what is to be called once the file is
   * in. `giveUp` is called where the body comes too slowly.
   */
  admit(req: IncomingMessage, giveUp: () => void): Refusal | (() => void);
  /** Of files that are put. */
  use(): BoundUse;
}

/** Whoever sends files slowly has used up no more than the number that is his. */
export function createUploadGate(bounds: Partial<UploadBounds> = {}): UploadGate {
  const { ofClient, ofAll, leastBytesPerSecond, windowMs } = { ...DEFAULTS, ...bounds };
  const underWay = new Map<string, number>();
  const all = createShares(ofAll);

  /** Of a body that waits to be read it is not the client that is slow. */
  function watch(req: IncomingMessage, giveUp: () => void): () => void {
    let seen = req.socket.bytesRead;
    let stop = afterRunning(windowMs, look);
    function look() {
      if (req.complete) return;
      const came = req.socket.bytesRead - seen;
      if (came * 1000 < leastBytesPerSecond * windowMs && req.readableLength === 0) return giveUp();
      seen += came;
      stop = afterRunning(windowMs, look);
    }
    return () => stop();
  }

  function admit(req: IncomingMessage, giveUp: () => void): Refusal | (() => void) {
    const client = clientAddress(req);
    const own = underWay.get(client) ?? 0;
    if (!all.take(client, 1, ofClient)) return own >= ofClient ? 'tooManyOfClient' : 'busy';
    underWay.set(client, own + 1);
    const stop = watch(req, giveUp);
    return () => {
      stop();
      all.give(client);
      const left = (underWay.get(client) ?? 1) - 1;
      if (left > 0) underWay.set(client, left);
      else underWay.delete(client);
    };
  }

  return { admit, use: all.use };
}
