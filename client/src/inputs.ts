import { type CallStorage, createCalls, digestOf, newKey } from './calls.ts';
import { BadUserInput, ComfyError } from './errors.ts';
import { blobOf, type LocalFile, mapFiles, type Path } from './files.ts';
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
   * Calls `act` with the input, its files sent, and the idempotency key of this call: with `storage`, those that the
   * same call had before a reload.
   */
  return async <T>(
    workflow: string,
    given: unknown,
    { key, signal, priority, tags, deadlineSeconds }: StartOptions,
    act: (input: unknown, key: string) => Promise<T>,
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
    try {
      const uploads = call?.uploads ?? (await send(workflow, files, signal));
      if (call && files.length > 0) calls?.sent(call, uploads);
      const input = await mapFiles(given, async (local) => ({ upload: uploads[places.get(local) ?? -1] }));
      signal?.throwIfAborted();
      const result = await act(input, key ?? call?.key ?? newKey());
      if (call) calls?.end(call);
      return result;
    } catch (error) {
      // The gateway or the caller has ended it. After a failure of anything else the same call goes on.
      if (call && (error instanceof ComfyError || signal?.aborted)) calls?.end(call);
      throw error;
    }
  };
}

/** A file that is refused is a fault of the field that has it. */
function at(path: Path, error: unknown): unknown {
  if (!(error instanceof BadUserInput)) return error;
  const issues = error.issues.map((issue) => ({ ...issue, path }));
  const message = issues.map((issue) => `${path.join('.')}: ${issue.message}`).join('; ');
  return new BadUserInput(message, { ...error.details, issues }, { cause: error });
}
