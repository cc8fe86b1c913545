import { readFile, stat } from 'node:fs/promises';
import { type Plan, parsePlans } from './plans.ts';

/** Hundreds of plans with long lists of classes. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The plans cannot be used. The message has a line for each fault. */
export class PlansError extends Error {
  override readonly name = 'PlansError';
  readonly faults: readonly string[];

  constructor(path: string, faults: readonly string[]) {
    super([`the plans in ${path} cannot be used:`, ...faults.map((fault) => `  ${fault}`)].join('\n'));
    this.faults = faults;
  }
}

/** What a look at the file has found: `broken`: the plans stay as they were. */
export type PlansNews = { news: 'none' } | { news: 'changed'; names: string[] } | { news: 'broken'; faults: string[] };

/** The installed plans, as they are in their file. */
export interface PlansFile {
  plans(): ReadonlyMap<string, Plan>;
  /** Takes what has changed since the last look. */
  look(): Promise<PlansNews>;
}

/** Time and size of what the path leads to: a mounted ConfigMap is a link that is led elsewhere when it changes. */
async function signatureOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  }
}

async function read(path: string): ReturnType<typeof readPlans> {
  try {
    return await readPlans(path);
  } catch (error) {
    return { faults: [`cannot be read: ${error instanceof Error ? error.message : String(error)}`] };
  }
}

async function readPlans(path: string): Promise<ReturnType<typeof parsePlans>> {
  const found = await stat(path);
  // Of a pipe there might never be an end.
  if (!found.isFile()) return { faults: ['cannot be read: it is no file'] };
  if (found.size > MAX_BYTES) return { faults: [`has ${found.size} bytes; at most ${MAX_BYTES} are read`] };
  return parsePlans(await readFile(path, 'utf8'));
}

/** Reads the plans. Throws PlansError where they cannot be used. */
export async function loadPlans(path: string): Promise<PlansFile> {
  let signature = await signatureOf(path);
  const first = await read(path);
  if ('faults' in first) throw new PlansError(path, first.faults);
  let { plans } = first;
  return {
    plans: () => plans,
    async look() {
      const seen = await signatureOf(path);
      if (seen === signature) return { news: 'none' };
      // A file that is being written changes again, and is read again then.
      signature = seen;
      const found = await read(path);
      if ('faults' in found) return { news: 'broken', faults: found.faults };
      plans = found.plans;
      return { news: 'changed', names: [...plans.keys()] };
    },
  };
}
