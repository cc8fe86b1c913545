import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { expect, onTestFinished, test } from 'vitest';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { artifactKey } from '../../../src/artifacts/keys.ts';
import type { Artifact } from '../../../src/core/job.ts';
import { MEMORY_MIB } from '../../../src/variants/cost.ts';
import type { Variant } from '../../../src/variants/variant.ts';
import { createVariantAddresses } from '../../../src/variants/variant-addresses.ts';
import { fileToStore, testPicture } from '../../support/pictures.ts';
import { childrenOf, residentBytes } from '../../support/process-limits.ts';
import { eventually, openProduct } from '../../support/product.ts';

const MIB = 1024 * 1024;
/** Two are converted at once: enough that a thumbnail behind them all would wait for many. */
const LONG = 6;
const thumbnail: Variant = { format: 'WEBP', width: 256, quality: 80 };

/** A gateway with a folder, pictures in it, and the addresses that the gateway would sign. */
async function openGallery() {
  const product = await openProduct({ onTestFinished }, { env: { NODE_OPTIONS: '--max-old-space-size=256' } });
  const gateway = await product.gateway();
  const { DATA_DIR = '', SIGNING_SECRET = '' } = product.env;
  const folder = join(DATA_DIR, 'artifacts');
  const store = createFolderStore({ folder, publicUrl: '', signingSecret: SIGNING_SECRET, now: Date.now });
  const addresses = createVariantAddresses({
    publicUrl: gateway.url,
    secret: SIGNING_SECRET,
    now: Date.now,
  });
  const { pid } = gateway.process;

  /** The picture as an artifact of a job. */
  async function publish(picture: Sharp, type: 'png' | 'avif', jobId: string = randomUUID()): Promise<Artifact> {
    const path = join(DATA_DIR, `${randomUUID()}.${type}`);
    const { width, height } = await picture.toFile(path);
    const file = await fileToStore(path, `image/${type}`, `a.${type}`);
    const key = artifactKey(jobId, 1, 0, type);
    await store.put(key, file, { signal: AbortSignal.timeout(20_000) });
    return {
      ...file,
      id: randomUUID(),
      key,
      kind: 'image',
      node: '9',
      output: null,
      durationSeconds: null,
      width,
      height,
    };
  }

  const get = async (artifact: Artifact, variant: Variant) =>
    fetch(await addresses.url(artifact, variant, { expiresInSeconds: 600, download: false }));

  /** The most memory that the gateway had at any time since its start, and what its children have now. */
  const peakBytes = async () =>
    Number(/^VmHWM:\s*(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  const childrenBytes = async () => {
    const sizes = await Promise.all((await childrenOf(pid)).map((child) => residentBytes(child).catch(() => 0)));
    return sizes.reduce((sum, size) => sum + size, 0);
  };
  return { gateway, publish, get, peakBytes, childrenBytes, children: () => childrenOf(pid) };
}

test('B05 dear pictures hold up no thumbnail of another job and take no memory of the gateway', {
  timeout: 180_000,
}, async () => {
  const { publish, get, peakBytes, childrenBytes } = await openGallery();
  const jobId = randomUUID();
  const teal = sharp({ create: { width: 4000, height: 4000, channels: 3, background: 'teal' } });
  const dear = await publish(teal.avif({ effort: 0 }), 'avif', jobId);
  const slow = await publish(testPicture(1600, 1600), 'png', jobId);
  const small = await publish(testPicture(1000, 1000), 'png');
  const other = await publish(testPicture(1000, 1000), 'png');
  // A process that converts is there, so that its start is not measured.
  expect((await get(other, thumbnail)).status).toBe(200);

  const before = await peakBytes();
  let children = 0;
  const look = setInterval(async () => {
    children = Math.max(children, await childrenBytes());
  }, 50);
  onTestFinished(() => clearInterval(look));
  const refused = Array.from({ length: 20 }, (_, i) => get(dear, { ...thumbnail, quality: i + 1 }));
  let converted = 0;
  for (let i = 0; i < LONG; i++) {
    void get(slow, { format: 'AVIF', width: null, quality: i + 1 }).then(
      () => converted++,
      () => undefined,
    );
  }
  expect((await get(small, thumbnail)).status).toBe(200);
  // It is the next when one of two has been converted, and takes a tenth of a second, where others take two.
  expect(converted).toBeLessThan(LONG / 2);
  for (const response of await Promise.all(refused)) {
    expect(response.status).toBe(422);
    const { errors } = await response.json();
    expect(errors[0].extensions.code).toBe('LIMIT_EXCEEDED');
    expect(errors[0].message).toMatch(
      /^This picture cannot be converted: it would take \d+ MiB of memory, at most 400/,
    );
  }
  const grown = (await peakBytes()) - before;
  clearInterval(look);
  expect(grown).toBeLessThan(64 * MIB);
  expect(children).toBeGreaterThan(0);
  expect(children).toBeLessThan(2 * MEMORY_MIB * MIB);
});

test('B05 a process that converts ends with its gateway, however that ends', { timeout: 60_000 }, async () => {
  const { gateway, publish, get, children, childrenBytes } = await openGallery();
  const large = await publish(testPicture(2500, 2500), 'png');
  const asked = get(large, { format: 'AVIF', width: null, quality: 50 }).catch(() => null);
  await eventually(async () => (await childrenBytes()) > 150 * MIB, 'a picture is being converted');
  const [child = 0] = await children();
  await gateway.process.kill();
  expect(await asked).toBeNull();
  // The picture alone takes longer.
  await eventually(() => !isAlive(child), 'the process has ended', 3_000);
});

test('B05 a process that is killed is replaced, and whoever waited for it may ask again', {
  timeout: 60_000,
}, async () => {
  const { publish, get, children } = await openGallery();
  const large = await publish(testPicture(2500, 2500), 'png');
  const asked = get(large, { format: 'AVIF', width: null, quality: 50 });
  await eventually(async () => (await children()).length === 1, 'a picture is being converted');
  const [child = 0] = await children();
  process.kill(child, 'SIGKILL');
  const answer = await asked;
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
  expect((await get(large, thumbnail)).status).toBe(200);
  expect(await children()).not.toContain(child);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
