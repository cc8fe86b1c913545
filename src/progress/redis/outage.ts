import { EventEmitter, once } from 'node:events';
import type { Redis } from 'ioredis';

/** Whether Redis can be asked for watchers, and those that wait until it can. */
export interface Outage {
  /** What is sent to a Redis that is away stays in the connection until it is back, whoever has left meanwhile. */
  isAway(): boolean;
  /** A SUBSCRIBE was not answered in time. */
  silent(): void;
  /** Redis has answered. */
  heard(): void;
  /** Lets those that wait try again where Redis may be back. */
  letIn(): void;
  /** Resolves when Redis may be back, perhaps for a moment only. Rejects when the signal is aborted. */
  back(signal: AbortSignal): Promise<unknown>;
  readonly waiting: number;
  close(): void;
}

/** `redis`: for reading; `subscriber`: for pub/sub. */
export function watchOutage(redis: Redis, subscriber: Redis): Outage {
  /** A SUBSCRIBE was not answered in time, and none has been since. */
  let isSilent = false;
  const outage = new EventEmitter().setMaxListeners(0);
  const isAway = () => isSilent || redis.status !== 'ready' || subscriber.status !== 'ready';
  const letIn = () => {
    if (!isAway()) outage.emit('back');
  };
  redis.on('ready', letIn);

  return {
    isAway,
    silent() {
      isSilent = true;
    },
    heard() {
      isSilent = false;
      letIn();
    },
    letIn,
    back: (signal) => once(outage, 'back', { signal }),
    get waiting() {
      return outage.listenerCount('back');
    },
    close() {
      redis.off('ready', letIn);
    },
  };
}
