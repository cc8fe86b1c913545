import { afterRunning } from '../async/timeout.ts';

/** Rejects like a command that took too long when the promise is not settled in time. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const callOff = afterRunning(ms, () => timeout.reject(new Error('Command timed out')));
  try {
    return await Promise.race([promise, timeout.promise]);
  } finally {
    callOff();
  }
}
