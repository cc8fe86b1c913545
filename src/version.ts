import { readFileSync } from 'node:fs';
import * as z from 'zod';

/** Of package.json, which stands one folder above the sources, and above what is built of them. */
export function readVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(path, import.meta.url), 'utf8');
      return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  throw new Error('package.json was not found');
}
