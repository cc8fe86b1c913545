import type { FileHandle } from 'node:fs/promises';
import { isObject } from '../../core/objects.ts';
import { MOST_TEXT_BYTES, readAt, type Texts, tooLarge, UnreadableTextsError } from './texts.ts';

const GLB_HEAD_BYTES = 12;
const GLB_CHUNK_HEAD_BYTES = 8;

/** What a GLB has as `extras` of its asset, where ComfyUI writes, and of the whole. */
export async function readGlbTexts(file: FileHandle): Promise<Texts> {
  const length = (await readAt(file, GLB_HEAD_BYTES, 4)).readUInt32LE(0);
  const header = await readJson(file, GLB_HEAD_BYTES + GLB_CHUNK_HEAD_BYTES, length);
  const { asset, extras } = isObject(header) ? header : {};
  return { ...objectOf(extras), ...objectOf(isObject(asset) ? asset.extras : undefined) };
}

/** Whether a file can be safetensors, which have no signature: the length of a JSON header, and then the header. */
export function looksLikeSafetensors(head: Buffer, size: number): boolean {
  return head.length > 8 && head[8] === '{'.charCodeAt(0) && head.readBigUInt64LE(0) <= BigInt(size - 8);
}

/** The metadata of a `.safetensors` or a `.latent` file. */
export async function readSafetensorsTexts(file: FileHandle): Promise<Texts> {
  const length = Number((await readAt(file, 0, 8)).readBigUInt64LE(0));
  const header = await readJson(file, 8, length);
  return objectOf(isObject(header) ? header.__metadata__ : undefined);
}

async function readJson(file: FileHandle, at: number, length: number): Promise<unknown> {
  if (length > MOST_TEXT_BYTES) throw tooLarge('its JSON header');
  try {
    return JSON.parse((await readAt(file, at, length)).toString());
  } catch (error) {
    throw new UnreadableTextsError('its JSON header cannot be read', { cause: error });
  }
}

function objectOf(value: unknown): Texts {
  return isObject(value) ? value : {};
}
