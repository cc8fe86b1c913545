import { readFile, stat } from 'node:fs/promises';
import { type Plan, parsePlans } from './plans.ts';

/** Hundreds of plans with long lists of classes. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Whoever mends these sees the rest then. */
const SHOWN_FAULTS = 10;

/** The plans cannot be used. The message has a line for each fault, of many for the first ten. */
export class PlansError extends Error {
  override readonly name = 'PlansError';

  constructor(path: string, faults: readonly string[], options?: ErrorOptions) {
    const more = faults.length - SHOWN_FAULTS;
    const shown = [...faults.slice(0, SHOWN_FAULTS), ...(more > 0 ? [`and ${more} more`] : [])];
    super([`the plans in ${path} cannot be used:`, ...shown.map((fault) => `  ${fault}`)].join('\n'), options);
  }
}

/** Reads the plans. Throws PlansError where they cannot be used. */
export async function readPlans(path: string): Promise<ReadonlyMap<string, Plan>> {
  const read = parsePlans(await textOf(path));
  if ('faults' in read) throw new PlansError(path, read.faults);
  return read.plans;
}

async function textOf(path: string): Promise<string> {
  try {
    const found = await stat(path);
    // Of a pipe there might never be an end.
    if (!found.isFile()) throw new Error('it is no file');
    if (found.size > MAX_BYTES) throw new Error(`it has ${found.size} bytes; at most ${MAX_BYTES} are read`);
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new PlansError(path, [`cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`], {
      cause,
    });
  }
}
