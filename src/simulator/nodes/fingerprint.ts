import { randomUUID } from 'node:crypto';
import { type FileStore, sha256 } from '../files.ts';
import { inputFile } from './input-file.ts';

const fileInputs: Record<string, string> = {
  LoadImage: 'image',
  LoadImageMask: 'image',
  LoadAudio: 'audio',
  LoadVideo: 'file',
};

/** The part of a node's cache key that is not in its inputs: a file's content, or a new value for each run. */
export function createFingerprint(files: FileStore) {
  return (classType: string, inputs: Record<string, unknown>): string | undefined => {
    if (classType === 'SaveImageWebsocket') return randomUUID();
    const value = inputs[fileInputs[classType] ?? ''];
    if (typeof value !== 'string') return undefined;
    const { file } = inputFile(files, value);
    return file && sha256(file.bytes);
  };
}
