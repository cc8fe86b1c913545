import { AsyncLocalStorage } from 'node:async_hooks';
import { isDeepStrictEqual } from 'node:util';
import { createLatestWriter } from '../../src/async/latest-writer.ts';
import { createSemaphore } from '../../src/async/semaphore.ts';
import type { Artifact } from '../../src/core/job.ts';
import type { Plan } from '../../src/core/plan.ts';
import { type Attempt, Stopped } from '../attempt/attempt.ts';
import { JobFailure } from '../attempt/failures.ts';
import type { ComfyClient } from '../comfyui/client.ts';
import { historyEntrySchema } from '../comfyui/history.ts';
import { isTerminalMessage, type PromptMessage } from '../comfyui/messages.ts';
import { collectOutputs, MOST_OUTPUTS, type PromptOutput } from '../comfyui/outputs.ts';
import { reasonOf } from '../comfyui/redact.ts';
import { type StoreContext, type StoreParts, storeOutput } from './store-output.ts';

/** An attempt's results on their way into storage: what nodes answer while a prompt runs, and what is left then. */
export interface StoredOutputs extends AsyncDisposable {
  /**
   * Every message of a prompt in order, and the server that it runs at. The results of a node that runs in this very
   * prompt are stored unless the prompt ends within moments, and shown in the record. That is a help alone: what is
   * missed, or fails, is left to the end. Never waits.
   */
  onMessage(message: PromptMessage, client: ComfyClient): void;
  /** Another prompt begins. What is shown of the one before stays until there is something of this one. */
  restart(): void;
  /**
   * The results of the prompt, which has ended, all of them stored and in this order; from then on nothing is shown any
   * more. Throws JobFailure when storage does not take a result, Retry when the server is gone, and the attempt's
   * Stopped. A result that is not what it should be costs no other: the JobFailure that is thrown in the end has all
   * that could be stored.
   */
  all(outputs: PromptOutput[]): Promise<Artifact[]>;
}

interface Result {
  output: PromptOutput;
  number: number;
  /** Null until it is stored. */
  artifact: Artifact | null;
  stored: Promise<Artifact>;
}

const AT_ONCE = 3;
/**
 * For each result that the record has: a write has all of them, some 400 bytes each, so the longer the list is, the
 * rarer it is written. 80 KB a second at most.
 */
const MS_OF_EACH = 5;
/** Of the texts of a prompt, which are kept until its end: what is more is left to the end. */
const MOST_CHARACTERS = 8 * 1024 * 1024;

export function openStoredOutputs(attempt: Attempt, plan: Plan, parts: StoreParts): StoredOutputs {
  const { log } = attempt;
  // Messages come in the socket's own context, which is no attempt's: spans would have no parent there.
  const inAttempt = AsyncLocalStorage.snapshot();
  const places = createSemaphore({ atOnce: AT_ONCE, waiting: 2 * MOST_OUTPUTS });
  const running = new Set<Promise<unknown>>();
  /** Goes on through all prompts of the attempt, so that no object is ever written over one that was shown. */
  let next = 0;
  let prompt = newPrompt();

  const writer = createLatestWriter<Artifact[]>({
    initial: [],
    intervalMs: 0,
    // The last results of a job are often stored just before it ends, and need no event of their own then.
    gatherMs: ({ length }) => Math.max(parts.timings.output, length * MS_OF_EACH),
    same: Object.is,
    async write(artifacts) {
      if (attempt.signal.aborted) return false;
      return (await attempt.move({ move: 'output', artifacts })) === 'RUNNING';
    },
    onError(cause) {
      if (!(cause instanceof Stopped)) log.debug({ reason: reasonOf(cause) }, 'results not shown yet');
    },
  });

  function newPrompt() {
    const over = new AbortController();
    return {
      /** Nodes that began to run. Another may answer with what ComfyUI remembers of an earlier prompt. */
      begun: new Set<string>(),
      /** Results whose storing has not begun, and those whose has, by `namesOf`. */
      waiting: new Map<string, PromptOutput>(),
      results: new Map<string, Result>(),
      /** Of the texts among them. */
      characters: 0,
      /** While any wait. */
      timer: undefined as NodeJS.Timeout | undefined,
      firstNumber: next,
      over,
      signal: AbortSignal.any([attempt.signal, over.signal]),
    };
  }

  /** What all that is stored from this moment on has in common. */
  function contextFor(client: ComfyClient, once: boolean): StoreContext {
    const confirmed = attempt.confirm();
    // A failure is seen by whoever awaits it. Where a download fails first, nobody does.
    confirmed.catch(() => undefined);
    return { ...parts, attempt, plan, client, signal: prompt.signal, once, confirmed };
  }

  function begin(name: string, output: PromptOutput, context: StoreContext): Result {
    const { results } = prompt;
    const number = next++;
    const stored = places.run(() => storeOutput(output, number, context), context.signal);
    const result: Result = { output, number, artifact: null, stored };
    results.set(name, result);
    const settled = stored.then(
      (artifact) => {
        result.artifact = artifact;
        if (results === prompt.results) writer.set(shown());
      },
      (cause) => {
        if (!context.signal.aborted) log.debug({ reason: reasonOf(cause) }, 'result not stored');
      },
    );
    running.add(settled);
    void settled.then(() => running.delete(settled));
    return result;
  }

  /** In the order in which ComfyUI named them. */
  function shown(): Artifact[] {
    const results = [...prompt.results.values()].sort((a, b) => a.number - b.number);
    return results.flatMap(({ artifact }) => artifact ?? []);
  }

  function onAnswer(node: string, answer: unknown, client: ComfyClient) {
    const entry = historyEntrySchema.safeParse({ outputs: { [node]: answer } });
    if (!entry.success) return;
    const { begun, results, waiting, firstNumber } = prompt;
    const named = namesOf(collectOutputs(entry.data, plan.graph, plan.outputs).outputs);
    // Whatever is named again may have been written over since.
    for (const [name] of named) results.delete(name);
    if (named.length === 0 || !begun.has(node)) return;
    const characters = prompt.characters + charactersOf(named);
    const count = next - firstNumber + waiting.size + named.length;
    if (count > MOST_OUTPUTS || characters > MOST_CHARACTERS) return;
    prompt.characters = characters;
    for (const [name, output] of named) waiting.set(name, output);
    const of = prompt;
    // Behind the messages that came while this process had no turn: the prompt may have ended with them.
    prompt.timer ??= setTimeout(() => setImmediate(() => inAttempt(beginWaiting, of, client)), parts.timings.output);
  }

  function beginWaiting(of: typeof prompt, client: ComfyClient) {
    of.timer = undefined;
    if (of.waiting.size === 0 || of.signal.aborted) return;
    const context = contextFor(client, true);
    for (const [name, output] of of.waiting) begin(name, output, context);
    of.waiting.clear();
  }

  /** What waits is left to the end. */
  function stopWaiting() {
    clearTimeout(prompt.timer);
    prompt.begun.clear();
    prompt.waiting.clear();
  }

  return {
    onMessage(message, client) {
      if (isTerminalMessage(message)) stopWaiting();
      else if (message.type === 'executing') {
        const { node } = message.data;
        if (node !== null && Object.hasOwn(plan.graph, node)) prompt.begun.add(node);
      } else if (message.type === 'executed') {
        const { node, output } = message.data;
        if (output) onAnswer(node, output, client);
      }
    },
    restart() {
      stopWaiting();
      prompt.over.abort();
      prompt = newPrompt();
    },
    async all(outputs) {
      stopWaiting();
      const { results, signal, over } = prompt;
      const context = contextFor(attempt.state.slot.backend.client, false);
      const invalid: JobFailure[] = [];

      async function stored([name, output]: [string, PromptOutput]): Promise<Artifact | null> {
        const early = results.get(name);
        const known = isDeepStrictEqual(early?.output, output) ? await early?.stored.catch(() => null) : null;
        if (known) return known;
        signal.throwIfAborted();
        return await begin(name, output, context).stored.catch((cause: unknown) => {
          if (!(cause instanceof JobFailure && cause.code === 'OUTPUT_INVALID')) throw cause;
          invalid.push(cause);
          return null;
        });
      }

      // All are awaited, so that no file is left open or on the disk. The first failure is what aborts the others.
      const settled = await Promise.allSettled(
        namesOf(outputs).map((each) =>
          stored(each).catch((cause) => {
            over.abort(cause);
            throw cause;
          }),
        ),
      );
      writer.stop();
      if (settled.some(({ status }) => status === 'rejected')) throw signal.reason;
      const artifacts = settled.flatMap((each) => (each.status === 'fulfilled' && each.value) || []);
      if (invalid.length > 0) throw allInvalid(invalid, artifacts);
      return artifacts;
    },
    async [Symbol.asyncDispose]() {
      writer.stop();
      stopWaiting();
      prompt.over.abort();
      await Promise.all(running);
    },
  };
}

/** Each with a name that it has in ComfyUI's message and in its history alike: a file's own, or the place of a text. */
function namesOf(outputs: PromptOutput[]): [string, PromptOutput][] {
  const places = new Map<string, number>();
  return outputs.map((output) => {
    if ('file' in output) {
      const { type, subfolder, filename } = output.file;
      return [JSON.stringify([type, subfolder, filename]), output];
    }
    const kind = JSON.stringify([output.node, 'text' in output]);
    const place = places.get(kind) ?? 0;
    places.set(kind, place + 1);
    return [`${kind}${place}`, output];
  });
}

function charactersOf(named: [string, PromptOutput][]): number {
  return named.reduce((sum, [, output]) => sum + ('text' in output ? output.text.length : 0), 0);
}

/** Names one, and of those that another run cannot help first: it would end in the same way. */
function allInvalid(invalid: JobFailure[], artifacts: Artifact[]): JobFailure {
  const [first] = invalid.toSorted((a, b) => Number(a.error.retryable) - Number(b.error.retryable));
  if (!first) throw new Error('no result is invalid');
  const more = invalid.length > 1 ? ` (and ${invalid.length - 1} more)` : '';
  return new JobFailure(
    { ...first.error, message: `${first.error.message}${more}` },
    { cause: first.cause, artifacts },
  );
}
