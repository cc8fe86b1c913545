import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createSemaphore } from '../../src/async/semaphore.ts';
import { type AnswerForm, type AnswerOf, parseForm } from './answers.ts';

/** Up to this the answer is parsed where it is, in some ten milliseconds. */
const SMALL_BYTES = 1024 * 1024;
/** The largest take a second; a machine that has much else to do needs more. */
const TIMEOUT_MS = 15_000;
/** Of large answers that are parsed or wait for their turn. */
const HELD_BYTES = 64 * 1024 * 1024;
/** What an answer of 32 MiB with a million values takes, and not what kills the process. */
const THREAD_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 };

/** Reads answers of one server. Throws where one is not of its form, has too much in it or takes too long. */
export type AnswerParser = <Form extends AnswerForm>(form: Form, bytes: Uint8Array) => Promise<AnswerOf<Form>>;

/**
 * Large answers are parsed in a thread of their own, one at a time, with bounded memory and time, so that nothing else
 * waits for them. Where more come than can be parsed, they are refused.
 */
export function createAnswerParser(): AnswerParser {
  const turns = createSemaphore({ atOnce: 1, waiting: Number.POSITIVE_INFINITY });
  let heldBytes = 0;
  return async <Form extends AnswerForm>(form: Form, bytes: Uint8Array) => {
    if (bytes.length <= SMALL_BYTES) return parseForm(form, bytes) as AnswerOf<Form>;
    if (heldBytes + bytes.length > HELD_BYTES) throw new RangeError('more than can be parsed');
    const late = AbortSignal.timeout(TIMEOUT_MS);
    heldBytes += bytes.length;
    try {
      // It was checked in the thread.
      return (await turns.run(() => parseInThread(form, bytes, late), late)) as AnswerOf<Form>;
    } finally {
      heldBytes -= bytes.length;
    }
  };
}

async function parseInThread(form: AnswerForm, bytes: Uint8Array, signal: AbortSignal): Promise<unknown> {
  const thread = new Worker(new URL(`./answer-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData: { form, bytes },
    resourceLimits: THREAD_LIMITS,
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  // What it prints may hold what the server said.
  thread.stdout.resume();
  thread.stderr.resume();
  try {
    const [answer] = await once(thread, 'message', { signal });
    return answer;
  } finally {
    await thread.terminate();
  }
}
