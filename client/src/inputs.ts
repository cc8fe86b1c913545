import { type CallStorage, createCalls, digestOf, newKey } from './calls.ts';
import { BadUserInput, Canceled, ComfyError, JobFailed, NotFound } from './errors.ts';
import { blobOf, type LocalFile, mapFiles, type Path } from './files.ts';
import type { Job } from './job.ts';
import type { StartOptions } from './options.ts';

export interface InputsOptions {
  upload: (file: LocalFile, options: { signal: AbortSignal | undefined }) => Promise<{ upload: string }>;
  storage: CallStorage | undefined;
}

/** A file of an input, which may be there at several places: it is sent once. */
interface FileAt {
  file: Blob;
  /** The first of its places, below the workflow. */
  path: Path;
}

/** Makes of what a caller gives what `generate` takes. */
export function createInputs({ upload, storage }: InputsOptions) {
  const calls = storage && createCalls(storage);

  /** In the order of `files`. */
  const send = (workflow: string, files: FileAt[], signal: AbortSignal | undefined): Promise<string[]> =>
    Promise.all(
      files.map(async ({ file, path }) => {
        try {
          return (await upload(file, { signal })).upload;
        } catch (error) {
          throw at(['input', 'workflow', workflow, ...path], error);
        }
      }),
    );

  /**
   * Calls `accept` with the input, its files sent, and the idempotency key of this call, and `finish` with the job.
   * With `storage`, the same call has the same key and files after a reload, and after a failure that leaves its job to
   * run.
   */
  return async <T>(
    workflow: string,
    given: unknown,
    { key, signal, priority, tags, deadlineSeconds }: StartOptions,
    accept: (input: unknown, key: string) => Promise<Job>,
    finish: (job: Job) => T | Promise<T>,
  ): Promise<T> => {
    signal?.throwIfAborted();
    const places = new Map<LocalFile, number>();
    const read: Promise<FileAt>[] = [];
    const described = await mapFiles(given, async (local, path) => {
      if (!places.has(local)) places.set(local, read.push(blobOf(local).then((file) => ({ file, path }))) - 1);
      return { file: places.get(local) };
    });
    const files = await Promise.all(read);
    const description = JSON.stringify([workflow, described, priority, tags, deadlineSeconds]);
    const call =
      key === undefined ? calls?.begin(await digestOf([description, ...files.map(({ file }) => file)])) : undefined;
    let job: Job | undefined;
    try {
      const uploads = call?.uploads ?? (await send(workflow, files, signal));
      if (call && files.length > 0) calls?.sent(call, uploads);
      const input = await mapFiles(given, async (local) => ({ upload: uploads[places.get(local) ?? -1] }));
      signal?.throwIfAborted();
      job = await accept(input, key ?? call?.key ?? newKey());
      const result = await finish(job);
      if (call) calls?.end(call);
      return result;
    } catch (error) {
      if (call && (signal?.aborted || isOver(error, job !== undefined))) calls?.end(call);
      else if (call) calls?.leave(call);
      throw error;
    }
  };
}

/** Whether there is nothing to go on with: the gateway has refused the call, or its job has ended or is gone. */
function isOver(error: unknown, isAccepted: boolean): boolean {
  if (!(error instanceof ComfyError) || error.code === 'BAD_RESPONSE') return false;
  return !isAccepted || error instanceof JobFailed || error instanceof Canceled || error instanceof NotFound;
}

/** A file that is refused is a fault of the field that has it. */
function at(path: Path, error: unknown): unknown {
  if (!(error instanceof BadUserInput)) return error;
  const issues = error.issues.map((issue) => ({ ...issue, path }));
  const message = issues.map((issue) => `${path.join('.')}: ${issue.message}`).join('; ');
  return new BadUserInput(message, { ...error.details, issues }, { cause: error });
}
