import type { ChainableCommander } from 'ioredis';

/** The answers of a pipeline or transaction, in the order of its commands. Throws the first error among them. */
export async function results(pipeline: ChainableCommander): Promise<unknown[]> {
  return ((await pipeline.exec()) ?? []).map(([error, value]) => {
    if (error) throw error;
    return value;
  });
}
