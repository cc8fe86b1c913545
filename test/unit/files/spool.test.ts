import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { spool } from '../../../src/files/spool.ts';

describe('spooling a stream', () => {
  let dir: string;
  beforeEach(async () => {
    dir = join(await mkdtemp(join(tmpdir(), 'comfygate-spool-')), 'made', 'when', 'missing');
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const signal = AbortSignal.timeout(60_000);

  async function* chunks(count: number, bytes: Uint8Array, then?: Error) {
    for (let index = 0; index < count; index++) yield bytes;
    if (then) throw then;
  }

  it('writes and hashes what comes, from a web stream or an iterable, and removes it when told', async () => {
    const bytes = randomBytes(100_000);
    for (const stream of [new Blob([bytes]).stream(), chunks(1, bytes)]) {
      const file = await spool(stream, dir, { expectedLength: 100_000, maxBytes: 100_000, signal });
      expect(file).toMatchObject({ sizeBytes: 100_000, sha256: createHash('sha256').update(bytes).digest('hex') });
      expect((await readFile(file.path)).equals(bytes)).toBe(true);
      await file.dispose();
      await file.dispose();
      expect(await readdir(dir)).toEqual([]);
    }
  });

  it('stops, and leaves nothing, where the disk would have less left than it must keep', async () => {
    const full = { reason: 'full' };
    const reserveBytes = Number.MAX_SAFE_INTEGER;
    const large = chunks(9, Buffer.alloc(1024 * 1024));
    await expect(spool(large, dir, { reserveBytes, signal })).rejects.toMatchObject(full);
    const expectedLength = Number.MAX_SAFE_INTEGER;
    await expect(spool(chunks(1, randomBytes(9)), dir, { expectedLength, signal })).rejects.toMatchObject(full);
    expect(await readdir(dir)).toEqual([]);
  });

  it('says what it is about to write, and stops where that is refused', async () => {
    let bytes = 0;
    const count = (more: number) => {
      bytes += more;
      if (bytes > 20) throw new Error('enough');
    };
    await expect(spool(chunks(9, randomBytes(10)), dir, { count, signal })).rejects.toThrow('enough');
    expect([bytes, await readdir(dir)]).toEqual([30, []]);
  });

  it('takes an empty stream for an empty file', async () => {
    expect(await spool(chunks(0, randomBytes(1)), dir, { expectedLength: 0, signal })).toMatchObject({ sizeBytes: 0 });
  });

  it('fails, and leaves nothing, when less or more comes than was announced, or than is allowed', async () => {
    const failing: [Parameters<typeof spool>[2], string][] = [
      [{ expectedLength: 31, signal }, 'truncated'],
      [{ expectedLength: 29, signal }, 'oversize'],
      [{ maxBytes: 29, signal }, 'oversize'],
    ];
    for (const [options, reason] of failing) {
      await expect(spool(chunks(3, randomBytes(10)), dir, options)).rejects.toMatchObject({
        name: 'SpoolError',
        reason,
      });
      expect(await readdir(dir)).toEqual([]);
    }
  });

  it('stops reading an endless stream at the limit', async () => {
    let pulled = 0;
    async function* endless() {
      for (;;) {
        pulled++;
        yield randomBytes(1000);
      }
    }
    await expect(spool(endless(), dir, { maxBytes: 100_000, signal })).rejects.toMatchObject({ reason: 'oversize' });
    expect(pulled).toBeLessThan(200);
  });

  it('passes the failure of the stream on and leaves nothing', async () => {
    const reset = new Error('connection reset');
    await expect(spool(chunks(3, randomBytes(10), reset), dir, { signal })).rejects.toBe(reset);
    expect(await readdir(dir)).toEqual([]);
  });

  it('settles at once when it is called off while the stream is silent', async () => {
    async function* silentIterable(begun: boolean) {
      if (begun) yield randomBytes(10);
      await new Promise(() => undefined);
    }
    let cancelled = 0;
    const silentStream = (begun: boolean) =>
      new ReadableStream<Uint8Array>({
        start: (controller) => void (begun && controller.enqueue(randomBytes(10))),
        cancel: () => void cancelled++,
      });
    for (const stream of [true, false].flatMap((begun) => [silentIterable(begun), silentStream(begun)])) {
      const reason = new Error('lease lost');
      const abort = new AbortController();
      const spooling = spool(stream, dir, { signal: abort.signal });
      spooling.catch(() => undefined);
      await vi.waitFor(async () => expect((await readdir(dir)).length).toBe(1));
      abort.abort(reason);
      await expect(spooling).rejects.toBe(reason);
      expect(await readdir(dir)).toEqual([]);
    }
    await vi.waitFor(() => expect(cancelled).toBe(2));
    await expect(spool(silentStream(true), dir, { signal: AbortSignal.abort(new Error('over')) })).rejects.toThrow(
      'over',
    );
  });
});
