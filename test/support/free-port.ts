import { freePort } from './process.ts';

/** Starts a server on a port that nobody has; where another was quicker between the look and the bind, on the next one. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let left = 10; ; left--) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (left === 0 || !/EADDRINUSE|address already in use/i.test(String(error))) throw error;
    }
  }
}
