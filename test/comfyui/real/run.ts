import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { isTerminal } from '../../../src/core/job.ts';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { nameAtComfyui } from '../../support/result-name.ts';
import type { ComfyServer } from './comfyui.ts';
import type { Product, ShownEvent, ShownJob } from './product.ts';

/** A job on its way, watched from its acceptance. */
export interface Run {
  readonly id: string;
  /** Under which ComfyUI knows its nth submission. */
  promptId(submission?: number): string;
  /** The first event that fits, among those that came and those to come; rejects when the job ends without one. */
  until(fits: (event: ShownEvent) => boolean): Promise<ShownEvent>;
  /** The job as its terminal event says, once the subscription has completed and what it said holds together. */
  ended(): Promise<ShownJob>;
  readonly events: readonly ShownEvent[];
}

export async function runJob(product: Product, workflow: object): Promise<Run> {
  const id = await product.generate(workflow);
  const events: ShownEvent[] = [];
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  let over = false;

  async function follow(): Promise<ShownJob> {
    try {
      for await (const event of product.watch(id)) {
        events.push(event);
        tell();
      }
    } finally {
      over = true;
      tell();
    }
    return holdsTogether(events);
  }
  const followed = follow();
  // Whoever waits for its end is told; until then nobody may be listening.
  followed.catch(() => undefined);

  return {
    id,
    events,
    promptId: (submission = 1) => promptIdOf(id, submission),
    ended: () => followed,
    until: (fits) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const found = events.find(fits);
          if (!found && !over) return;
          listeners.delete(check);
          if (found) resolve(found);
          else reject(new Error(`it ended before: ${JSON.stringify(events.at(-1))}`));
        };
        listeners.add(check);
        check();
      }),
  };
}

/** What is promised of every subscription, whatever the job does. */
function holdsTogether(all: ShownEvent[]): ShownJob {
  const events = all.filter(({ type }) => type !== 'PREVIEW' && type !== 'MOVED');
  for (const { preview } of all) {
    if (preview) assert(/^image\/(?:png|jpeg|webp)$/.test(preview.contentType) && preview.data.length > 0, 'a preview');
  }
  const last = events.at(-1);
  assert(last, 'a subscription says something');
  assert(isTerminal(last.job.status), `it ends with the job, not ${last.type}`);
  assert.equal(last.type, last.job.status);
  let before: ShownEvent | undefined;
  for (const event of events) {
    if (before) {
      // The SNAPSHOT of a job that had ended by then is followed by its terminal event, of the same number.
      const atItsEnd = before.type === 'SNAPSHOT' && isTerminal(before.job.status) && event.seq === before.seq;
      assert(event.seq > before.seq || atItsEnd, `number ${event.seq} after ${before.seq}`);
      if (event.job.attempts === before.job.attempts) {
        const { fraction } = event.job.progress;
        assert(fraction >= before.job.progress.fraction, `progress fell to ${fraction}`);
      }
    }
    const { fraction } = event.job.progress;
    assert(fraction < 1 || event.job.status === 'SUCCEEDED', 'all done before it SUCCEEDED');
    before = event;
  }
  const terminal = events.filter(({ type }) => ['SUCCEEDED', 'FAILED', 'CANCELED'].includes(type));
  assert.equal(terminal.length, 1, 'one terminal event');
  return last.job;
}

export interface Delivery {
  submission?: number;
  /** Whether the results are files of the folder for temporary ones. */
  temp?: boolean;
  /** Whether PNG files were to keep their text. */
  keepMetadata?: boolean;
}

/**
 * The job SUCCEEDED, and what its addresses give is what ComfyUI wrote for this submission, no more and no less: byte
 * for byte, but for the text that PNG files lose. Texts that are only shown, and pictures that are only sent, are not
 * among the files.
 */
export async function deliversWhatComfyWrote(
  run: Run,
  server: ComfyServer,
  { submission = 1, temp = false, keepMetadata = false }: Delivery = {},
): Promise<ShownJob> {
  const job = await run.ended();
  assert.equal(job.status, 'SUCCEEDED', JSON.stringify(job.error));
  assert.equal(job.progress.fraction, 1);
  const own = temp ? '' : `comfygate-${run.promptId(submission)}-`;
  const files: string[] = [];
  for (const artifact of job.artifacts) {
    const filename = nameAtComfyui(artifact.filename);
    const delivered = await download(artifact);
    if (ONLY_TOLD.test(filename)) continue;
    files.push(`${own}${filename}`);
    const served = await server.file(`${own}${filename}`, temp ? 'temp' : 'output');
    assert(served, `ComfyUI has ${filename}`);
    assert(delivered.equals(keepMetadata ? served : withoutText(served)), `${filename} is as ComfyUI wrote it`);
  }
  const written = temp ? null : await server.list(own);
  if (written) assert.deepEqual(files.sort(), written);
  assert.equal(await server.status(run.promptId(submission)), null, 'its history entry was deleted');
  return job;
}

/** What the artifact's address gives, which is as long as was said and has the hash that was said. */
export async function download({ url, size, sha256 }: ShownJob['artifacts'][number]): Promise<Buffer> {
  const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
  assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256);
  assert.equal(bytes.length, size);
  return bytes;
}

/** How results are called that ComfyUI has no file of. Its own numbers have five digits. */
const ONLY_TOLD = /_text_\d+\.txt$|^[^_]+_\d{1,4}\.png$/;

const PNG_SIGNATURE = '89504e470d0a1a0a';

/** A PNG without its text; any other file as it is. */
function withoutText(file: Buffer): Buffer {
  if (file.toString('hex', 0, 8) !== PNG_SIGNATURE) return file;
  const kept = [file.subarray(0, 8)];
  for (let at = 8; at < file.length; at += file.readUInt32BE(at) + 12) {
    const isText = ['tEXt', 'zTXt', 'iTXt', 'eXIf', 'comf'].includes(file.toString('latin1', at + 4, at + 8));
    if (!isText) kept.push(file.subarray(at, at + file.readUInt32BE(at) + 12));
  }
  return Buffer.concat(kept);
}

/** From its start to its end, in seconds. */
export function secondsOf({ startedAt, finishedAt }: ShownJob): number {
  if (startedAt === null || finishedAt === null) throw new Error('it has not run');
  return (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
}
