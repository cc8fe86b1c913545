import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { unlessAborted } from '../async/abort.ts';
import type { Conversion, Converted } from './convert.ts';
import { MEMORY_MIB } from './cost.ts';
import { VariantError } from './variant.ts';

/** Converts local pictures in processes of their own, one for each picture that is being converted. */
export interface Converter {
  /**
   * Makes a variant of a picture. Throws VariantError, or the signal's reason: `unreadable` too where the picture ended
   * the process, `tooLarge` too where it took too much memory or time, `busy` where something else ended it.
   */
  convert(conversion: Conversion, signal: AbortSignal): Promise<Converted>;
  /** Ends the processes. What they are at fails. */
  close(): Promise<void>;
}

/** A process that is spent holds too much memory to be used again. */
const isSpent = z.boolean();
const reportSchema = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('made'), sizeBytes: z.int(), sha256: z.string(), isSpent }),
  z.object({ outcome: z.enum(['unreadable', 'tooLarge']), message: z.string(), isSpent }),
]);

/** What the process says of a picture. */
export type Report = z.infer<typeof reportSchema>;

/** As .ts in the sources, as .js in a build. */
const MAIN = fileURLToPath(new URL(`./converter-process${extname(import.meta.url)}`, import.meta.url));
/** For JavaScript alone: pictures are outside of its heap. */
const HEAP_MIB = 64;
/** No secret of this process is in there. Memory of pictures goes back to the system at once. */
const ENV = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '1048576' };
const MOST_WORDS = 500;

interface Started {
  child: ChildProcess;
  /** The end of what it has written to standard error. */
  words: string;
}

export interface ConverterOptions {
  /** Of one process, all told: one that takes more ends itself. Default: MEMORY_MIB. */
  memoryMib?: number;
  /** Of a processor, for one picture: the same on a busy machine and on an idle one. Default: 20. */
  cpuSeconds?: number;
}

/** A process is started when all others are at work, is used again, and ends with this one, however that ends. */
export function createConverter({ memoryMib = MEMORY_MIB, cpuSeconds = 20 }: ConverterOptions = {}): Converter {
  const idle = new Set<Started>();
  const running = new Set<ChildProcess>();

  function start(): Started {
    const child = fork(MAIN, [String(memoryMib), String(cpuSeconds)], {
      env: ENV,
      execArgv: [`--max-old-space-size=${HEAP_MIB}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const started = { child, words: '' };
    child.stderr?.on('data', (chunk: Buffer) => {
      started.words = `${started.words}${chunk.toString()}`.slice(-MOST_WORDS);
    });
    running.add(child);
    child.once('exit', () => {
      running.delete(child);
      idle.delete(started);
    });
    // Whoever waits for its report learns of it.
    child.on('error', () => running.delete(child));
    return started;
  }

  return {
    async convert(conversion, signal) {
      signal.throwIfAborted();
      const [started = start()] = idle;
      idle.delete(started);
      let isReusable = false;
      try {
        const report = await ask(started, conversion, signal);
        isReusable = !report.isSpent;
        if (report.outcome === 'made') return report;
        throw new VariantError(report.outcome, report.message);
      } finally {
        if (isReusable) idle.add(started);
        else started.child.kill('SIGKILL');
      }
    },

    async close() {
      await Promise.all(
        [...running].map(async (child) => {
          const ended = once(child, 'exit');
          child.kill('SIGKILL');
          await ended;
        }),
      );
    },
  };
}

async function ask(started: Started, conversion: Conversion, signal: AbortSignal): Promise<Report> {
  const { child } = started;
  const ended = new AbortController();
  const onExit = (code: number | null, name: NodeJS.Signals | null) => ended.abort(whyEnded(code, name, started.words));
  child.once('exit', onExit);
  try {
    const answer = once(child, 'message');
    // Where it has ended meanwhile, that says more than the broken pipe.
    child.send(conversion, () => undefined);
    const [message] = await unlessAborted(AbortSignal.any([signal, ended.signal]), answer);
    return reportSchema.parse(message);
  } finally {
    child.off('exit', onExit);
  }
}

/** SIGKILL is the system's, which needed memory; other signals are those of a decoder that crashed. */
function whyEnded(code: number | null, name: NodeJS.Signals | null, words: string): Error {
  if (name === 'SIGKILL') return new VariantError('busy', 'the process that converts pictures was ended');
  if (name !== null) return new VariantError('unreadable', `it ended the process that converts pictures: ${name}`);
  return new Error(`the process that converts pictures ended with ${code}: ${words}`);
}
