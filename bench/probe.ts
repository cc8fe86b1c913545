// Loaded into a server under test before its own code (`node --expose-gc --import probe.ts`): tells what it uses.
import { answerParent } from './rpc.ts';

answerParent({
  /** CPU time since the start, in milliseconds. */
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  /** Resident bytes as they are. */
  rss: () => process.memoryUsage.rss(),
  /** The most that was resident since the start, by the kernel's own count. */
  peakRss: () => process.resourceUsage().maxRSS * 1024,
  /** Resident bytes when what is garbage has been collected. */
  rssWithoutGarbage: async () => {
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return process.memoryUsage.rss();
  },
});
// Whether the process lives on is its own code's business.
process.channel?.unref();
