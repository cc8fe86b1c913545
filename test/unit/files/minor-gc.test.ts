import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readExactly } from '../../../src/artifacts/source-file.ts';
import { spool } from '../../../src/files/spool.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';

const MIB = 1024 * 1024;
/** Less than the 64 MB at which V8 collects by itself. */
const FILE_MIB = 56;
/** Between two collections there are 8 MiB; a stream holds some chunks besides. */
const MOST_MIB = 24;

/** How much memory of buffers there is more than at the beginning, at most. */
function watchBuffers() {
  collectGarbage();
  const { arrayBuffers: before } = process.memoryUsage();
  let most = 0;
  return {
    look() {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    },
    mostMib: () => most / MIB,
  };
}

test('a large file that is written or read chunk by chunk leaves few buffers behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'comfygate-minor-gc-'));
  try {
    const written = watchBuffers();
    async function* chunks() {
      for (let i = 0; i < FILE_MIB * 4; i++) {
        yield Buffer.alloc(MIB / 4);
        written.look();
      }
    }
    const { path, sizeBytes } = await spool(chunks(), folder, { signal: AbortSignal.timeout(60_000) });
    expect(sizeBytes).toBe(FILE_MIB * MIB);
    expect(written.mostMib()).toBeLessThan(MOST_MIB);

    const read = watchBuffers();
    for await (const chunk of readExactly(path, sizeBytes)) {
      expect(chunk.length).toBeGreaterThan(0);
      read.look();
    }
    expect(read.mostMib()).toBeLessThan(MOST_MIB);
  } finally {
    await rm(folder, { recursive: true });
  }
});
