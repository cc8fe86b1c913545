import { createHash } from 'node:crypto';
import { extname, posix } from 'node:path';

/** The three folders of a ComfyUI. */
export type FolderType = 'output' | 'input' | 'temp';

export interface StoredFile {
  bytes: Buffer;
  /** Milliseconds since 1970. */
  modified: number;
  etag: string;
}

/**
 * Files in memory, in ComfyUI's three folders. Nothing is written to disk. When the files together are more than
 * `maxBytes`, the oldest of output and temp are removed. Uploads are kept, since graphs name them.
 */
export interface FileStore {
  read(folder: FolderType, path: string): StoredFile | undefined;
  write(folder: FolderType, path: string, bytes: Buffer): void;
  remove(folder: FolderType, path: string): void;
  /** All results of a folder. */
  clear(folder: 'output' | 'temp'): void;
  /** Names directly in a directory ('' is the folder itself). */
  list(folder: FolderType, directory: string): string[];
  /** Uploaded top-level files of a kind, sorted, as the combo of a loader node shows them. */
  listInputs(kind: 'image' | 'audio' | 'video'): string[];
  /** The highest counter in use for a file name prefix in a directory, plus one. */
  nextCounter(folder: FolderType, directory: string, prefix: string): number;
  /** Bytes held. */
  size(): number;
}

const extensions = {
  image: new Set(['.png', '.jpg', '.jpeg', '.webp', '.gif', '.bmp', '.tif', '.tiff', '.avif']),
  audio: new Set(['.wav', '.mp3', '.flac', '.ogg', '.opus', '.m4a', '.aac']),
  video: new Set(['.mp4', '.webm', '.mkv', '.mov', '.avi']),
};

export function isFolderType(value: string): value is FolderType {
  return value === 'output' || value === 'input' || value === 'temp';
}

export function createFileStore(maxBytes: number, now: () => number): FileStore {
  const directories = new Map<string, Map<string, StoredFile>>();
  /** Files that may be removed, oldest first, by their full key. */
  const removable = new Map<string, { folder: FolderType; path: string }>();
  let held = 0;

  const place = (folder: FolderType, path: string): { directory: string; name: string } => ({
    directory: `${folder}:${posix.dirname(path).replace(/^\.$/, '')}`,
    name: posix.basename(path),
  });

  function remove(folder: FolderType, path: string): void {
    const { directory, name } = place(folder, path);
    const names = directories.get(directory);
    const file = names?.get(name);
    if (!names || !file) return;
    held -= file.bytes.length;
    names.delete(name);
    if (names.size === 0) directories.delete(directory);
    removable.delete(`${folder}/${path}`);
  }

  return {
    read(folder, path) {
      const { directory, name } = place(folder, path);
      return directories.get(directory)?.get(name);
    },
    write(folder, path, bytes) {
      remove(folder, path);
      const { directory, name } = place(folder, path);
      const names = directories.get(directory) ?? new Map<string, StoredFile>();
      directories.set(directory, names);
      const modified = now();
      names.set(name, { bytes, modified, etag: `"${modified.toString(16)}-${bytes.length.toString(16)}"` });
      held += bytes.length;
      if (folder !== 'input') removable.set(`${folder}/${path}`, { folder, path });
      for (const oldest of removable.values()) {
        if (held <= maxBytes || removable.size === 1) break;
        remove(oldest.folder, oldest.path);
      }
    },
    remove,
    clear(folder) {
      for (const { folder: own, path } of [...removable.values()]) if (own === folder) remove(own, path);
    },
    list: (folder, directory) => [...(directories.get(`${folder}:${directory}`)?.keys() ?? [])],
    listInputs(kind) {
      const names = [...(directories.get('input:')?.keys() ?? [])];
      return names.filter((name) => extensions[kind].has(extname(name).toLowerCase())).sort();
    },
    nextCounter(folder, directory, prefix) {
      let highest = 0;
      const start = `${prefix}_`;
      for (const name of directories.get(`${folder}:${directory}`)?.keys() ?? []) {
        if (!name.startsWith(start)) continue;
        const digits = /^\d+(?=[_.])/.exec(name.slice(start.length));
        if (digits) highest = Math.max(highest, Number(digits[0]));
      }
      return highest + 1;
    },
    size: () => held,
  };
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
