import type { ChainableCommander } from 'ioredis';

/** Answers of a pipeline, the first error thrown. */
export async function results(pipeline: ChainableCommander): Promise<unknown[]> {
  return ((await pipeline.exec()) ?? []).map(([error, value]) => {
    if (error) throw error;
    return value;
  });
}
