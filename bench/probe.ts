// Loaded into a server under test before its own code (`node --expose-gc --import probe.ts`). It reports the memory and
// CPU time of the process when the bench calls it.
import { answerParent } from './rpc.ts';

answerParent({
  /** CPU time since the start, in milliseconds. */
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  /** The resident memory now, in bytes. */
  /** The largest resident memory since the start, as the kernel counts it, in bytes. */
  peakRss: () => process.resourceUsage().maxRSS * 1024,
  /** The resident memory after garbage collection, in bytes. */
  rssWithoutGarbage: async () => {
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return process.memoryUsage.rss();
  },
});
// The channel must not keep the process alive.
process.channel?.unref();
