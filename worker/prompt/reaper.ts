import type { Logger } from 'pino';
import { wait } from '../../src/async/wait.ts';
import { ComfyError } from '../comfyui/http.ts';
import { reasonOf } from '../comfyui/redact.ts';
import type { Backend } from '../pool/backend.ts';

/** Cancels prompts that nobody will ever want again, and goes on trying where a server does not answer. */
export interface Reaper {
  /**
   * Only for a prompt that no attempt can still follow: of a job that has ended, or of a submission that the record has
   * replaced. Resolves after the first try, whatever comes of it.
   */
  cancel(backend: Backend, promptId: string, jobId: string): Promise<void>;
  /** Gives up the tries that are left. */
  close(): void;
}

const TRY_EVERY_MS = 5_000;
/** How long a server that does not answer may hold up the end of a job. */
const FIRST_TRY_MS = 1_000;

/** `forMs`: how long it keeps trying. */
export function createReaper({ log, forMs }: { log: Logger; forMs: number }): Reaper {
  const ended = new AbortController();

  async function cancelPersistently(backend: Backend, promptId: string, jobId: string) {
    const until = performance.now() + forMs;
    for (;;) {
      try {
        return await backend.client.cancel(promptId, ended.signal);
      } catch (cause) {
        if (ended.signal.aborted) return;
        if (!(cause instanceof ComfyError) || performance.now() > until) {
          return log.warn({ jobId, backend: backend.name, promptId, reason: reasonOf(cause) }, 'prompt not cancelled');
        }
      }
      await wait(TRY_EVERY_MS, ended.signal).catch(() => undefined);
      if (ended.signal.aborted) return;
    }
  }

  return {
    async cancel(backend, promptId, jobId) {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, FIRST_TRY_MS);
      await Promise.race([cancelPersistently(backend, promptId, jobId), late.promise]);
      clearTimeout(timer);
    },
    close: () => ended.abort(),
  };
}
