// The process that converter.ts starts. It converts one picture after the other and reports of each.
import { constants, getPriority, setPriority } from 'node:os';
import * as z from 'zod';
import { convert, setUpSharp } from './convert.ts';
import type { Report } from './converter.ts';
import { MOST_LEFT_MIB } from './cost.ts';
import { imageFormats, VariantError } from './variant.ts';

/** In so short a time a decoder fills some 20 MB. */
const LOOK_EVERY_MS = 10;

const conversionSchema = z.object({
  path: z.string(),
  target: z.string(),
  variant: z.object({ format: z.enum(imageFormats), width: z.int().nullable(), quality: z.int().nullable() }),
});
type Conversion = z.infer<typeof conversionSchema>;

const [memoryMib, cpuSeconds] = z
  .tuple([z.coerce.number().positive(), z.coerce.number().positive()])
  .parse(process.argv.slice(2));

/** At once, in the middle of a picture too, to whose end `process.exit` would wait. */
const end = () => process.kill(process.pid, 'SIGKILL');
/** All of the process's memory, so that of libvips and its decoders too. */
const residentMib = () => process.memoryUsage.rss() / 1024 / 1024;

// Whoever waits for a picture waits for seconds anyway, and requests are not to wait for it: they come first where
// there are fewer processors than work.
const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;
setPriority(Math.min(PRIORITY_LOW, getPriority() + PRIORITY_BELOW_NORMAL));
setUpSharp();
const startedMib = residentMib();
process.on('message', (message) => void work(conversionSchema.parse(message)));
process.on('disconnect', end);
// The gateway may have ended while this process started.
if (!process.connected) end();

async function work(conversion: Conversion): Promise<void> {
  const began = process.cpuUsage();
  const watch = setInterval(() => {
    const { user, system } = process.cpuUsage(began);
    if (residentMib() > memoryMib) giveUp(`it takes more than ${memoryMib} MiB of memory`);
    else if (user + system > cpuSeconds * 1e6) giveUp(`it takes more than ${cpuSeconds} s of a processor`);
  }, LOOK_EVERY_MS);
  const report = await made(conversion);
  clearInterval(watch);
  process.send?.({ ...report, isSpent: residentMib() > startedMib + MOST_LEFT_MIB } satisfies Report);
}

async function made(conversion: Conversion) {
  try {
    return { outcome: 'made' as const, ...(await convert(conversion)) };
  } catch (error) {
    if (!(error instanceof VariantError)) throw error;
    const outcome = error.reason === 'tooLarge' ? ('tooLarge' as const) : ('unreadable' as const);
    return { outcome, message: error.message };
  }
}

function giveUp(message: string): void {
  process.send?.({ outcome: 'tooLarge', message, isSpent: true } satisfies Report, end);
}
