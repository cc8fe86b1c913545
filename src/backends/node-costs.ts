import { isDeepStrictEqual } from 'node:util';
import type { Graph } from '../core/graph.ts';
import { costName, type NodeLoad, nodeLoads, sizeFactor } from '../core/node-load.ts';
import type { NodeTimesStore } from './node-times.ts';

/** What nodes usually take of a server, as workers have measured it. */
export interface NodeCosts {
  /** Milliseconds that the graph is likely to take of a server, what it has already left out; not rounded. */
  of(graph: Graph): number;
}

/**
 * A step of a sampler at a middling graphics card, while nobody has measured one: SDXL makes some four a second at a
 * megapixel.
 */
const UNKNOWN_STEP_MS = 250;
const UNKNOWN_PIXELS = 1_048_576;

/** By size, the smallest first. */
type Costs = { bucket: number; ms: number }[];

/** `times`: as NodeTimesStore gives them. Servers count the same: nobody knows yet which one will run a job. */
export function nodeCosts(times: ReadonlyMap<string, number>): NodeCosts {
  const known = new Map<string, Map<number, number[]>>();
  for (const [name, ms] of times) {
    const [, kind, bucket] = /^[^/]+\/(.+\/cost(?:\/step)?)\/(\d{1,3})$/.exec(name) ?? [];
    if (kind === undefined) continue;
    const buckets = known.get(kind) ?? new Map<number, number[]>();
    known.set(kind, buckets);
    buckets.set(Number(bucket), [...(buckets.get(Number(bucket)) ?? []), ms]);
  }
  const costs = new Map(
    [...known].map(([kind, buckets]): [string, Costs] => [
      kind,
      [...buckets].map(([bucket, all]) => ({ bucket, ms: mean(all) })).sort((a, b) => a.bucket - b.bucket),
    ]),
  );

  function measured(load: NodeLoad): number | null {
    const { kind, bucket } = costName(load);
    const found = costs.get(kind);
    return found ? atSize(found, bucket) * (load.steps ?? 1) : null;
  }

  return {
    of(graph) {
      const nodes = [...nodeLoads(graph).values()].map((load) => ({ load, ms: measured(load) }));
      const seen = nodes.filter(({ ms }) => ms !== null);
      const work = sum(seen.map(({ load }) => load.work));
      const total = sum(seen.map(({ ms }) => ms ?? 0));
      const unseen = nodes.filter(({ ms }) => ms === null);
      if (work > 0) return total + sum(unseen.map(({ load }) => load.work)) * (total / work);
      return sum(
        unseen.map(
          ({ load: { work, pixels } }) => work * UNKNOWN_STEP_MS * ((pixels || UNKNOWN_PIXELS) / UNKNOWN_PIXELS),
        ),
      );
    },
  };
}

/** Between two sizes in proportion, beyond all as between the next two; of one size alone by the number of pixels. */
function atSize(costs: Costs, bucket: number): number {
  const exact = costs.find((cost) => cost.bucket === bucket);
  if (exact) return exact.ms;
  const sized = costs.filter((cost) => cost.bucket > 0);
  const [first = costs[0]] = sized;
  if (!first) return 0;
  // Nothing tells how it would grow.
  if (bucket === 0 || sized.length === 0) return first.ms;
  const above = sized.findIndex((cost) => cost.bucket > bucket);
  const at = above === -1 ? sized.length - 1 : Math.max(1, above);
  const [low = first, high] = [sized[at - 1], sized[at]];
  const size = (of: number) => sizeFactor(first.bucket, of);
  if (!high || sized.length === 1) return first.ms * size(bucket);
  const slope = Math.max(0, (high.ms - low.ms) / (size(high.bucket) - size(low.bucket)));
  return Math.max(0, low.ms + slope * (size(bucket) - size(low.bucket)));
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, each) => all + each, 0);
const mean = (numbers: readonly number[]) => sum(numbers) / numbers.length;

/** What workers learn shows in estimates so soon. */
const READ_EVERY_MS = 5_000;

/** The costs as they were a few seconds ago. `onFault`: they could not be read, and stay. */
export function followNodeCosts(
  store: Pick<NodeTimesStore, 'read'>,
  onFault: (error: unknown) => void,
): () => NodeCosts {
  let read: ReadonlyMap<string, number> = new Map();
  let costs = nodeCosts(read);
  let readAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - readAt >= READ_EVERY_MS) {
      readAt = now;
      store.read().then((times) => {
        if (isDeepStrictEqual(times, read)) return;
        read = times;
        costs = nodeCosts(times);
      }, onFault);
    }
    return costs;
  };
}
