import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Finds a program by <NAME>_BIN, on the PATH, or in the cache of scripts/bootstrap. Null where there is none. */
export function findProgram(name: string, env: NodeJS.ProcessEnv = process.env): string | null {
  const given = env[`${name.toUpperCase().replaceAll('-', '_')}_BIN`];
  if (given) return given;
  const cache = env.COMFYGATE_CACHE ?? join(homedir(), '.cache', 'comfygate');
  const folders = [...(env.PATH ?? '').split(delimiter).filter(Boolean), join(cache, 'bin')];
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
