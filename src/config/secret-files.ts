import { readFileSync } from 'node:fs';
import { SECRET_NAMES } from './settings.ts';

/**
 * Returns the environment with each secret that is given as `<NAME>_FILE` read from that file, without one newline at
 * its end. Empty variables count as absent, since compose files set them so. `problems` has an entry for each fault.
 */
export function readSecretFiles(env: Readonly<Record<string, string | undefined>>) {
  const values: Record<string, string> = {};
  const problems: { name: string; message: string }[] = [];
  for (const [name, value] of Object.entries(env)) if (value) values[name] = value;

  for (const name of SECRET_NAMES) {
    const fileName = `${name}_FILE`;
    const path = values[fileName];
    if (path === undefined) continue;
    if (values[name] !== undefined) {
      problems.push({ name: fileName, message: `expected only one of ${name} and ${fileName}` });
      continue;
    }
    try {
      values[name] = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch (cause) {
      const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
      problems.push({
        name: fileName,
        message: `expected a file that can be read (${reason})`,
      });
    }
  }
  return { values, problems };
}
