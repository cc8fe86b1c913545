import type { Redis } from 'ioredis';
import { eventually } from './product.ts';
import { startTestRedis, type TestRedis } from './redis.ts';
import { ask } from './sentinel.ts';

/** Three masters that share the slots and, when requested, a replica of the master of our slot. */
export interface RedisCluster {
  /** `redis+cluster://…` with the masters. */
  readonly url: string;
  /** The current master of the slot of our hash tag. */
  owner(): Promise<TestRedis>;
  /** Waits until every running node reports that all slots are served. */
  settled(): Promise<void>;
  /** Lets the replica take over from a healthy master, as before an update. */
  failOver(): Promise<void>;
  /** Kills all nodes and removes their files. */
  close(): Promise<void>;
}

const SLOTS = 16_384;
const MASTERS = 3;

/**
 * A node that does not answer for this long is down. It is shorter than in production, and long enough for a busy
 * machine.
 */
const NODE_TIMEOUT_MS = 2_000;

export async function startRedisCluster(tag: string, { replica }: { replica: boolean }): Promise<RedisCluster> {
  const stack = new AsyncDisposableStack();
  const nodes: TestRedis[] = [];
  for (let i = 0; i < MASTERS + (replica ? 1 : 0); i++) {
    const node = await startTestRedis({
      config: {
        appendfsync: 'no',
        'cluster-enabled': 'yes',
        'cluster-node-timeout': String(NODE_TIMEOUT_MS),
        'repl-diskless-sync-delay': '0',
      },
    });
    stack.defer(node.close);
    nodes.push(node);
  }
  const masters = nodes.slice(0, MASTERS);
  const [first] = masters;
  if (!first) throw new Error('there is no node');
  for (const [i, { url }] of masters.entries()) {
    const from = Math.ceil((i * SLOTS) / MASTERS);
    const to = Math.ceil(((i + 1) * SLOTS) / MASTERS) - 1;
    await ask(url, (redis) => redis.call('CLUSTER', 'ADDSLOTSRANGE', from, to));
    // Otherwise all nodes would start with the same epoch.
    await ask(url, (redis) => redis.cluster('SET-CONFIG-EPOCH', i + 1));
  }
  for (const { port } of nodes.slice(1)) await ask(first.url, (redis) => redis.cluster('MEET', '127.0.0.1', port));
  await settled();

  const slot = await ask(first.url, (redis) => redis.cluster('KEYSLOT', tag));
  if (replica) {
    const follower = nodes[MASTERS];
    const leader = await ask((await owner()).url, (redis) => redis.cluster('MYID'));
    if (!follower) throw new Error('there is no replica');
    await ask(follower.url, (redis) => redis.cluster('REPLICATE', leader));
    await eventually(
      async () => /master_link_status:up/.test(await ask(follower.url, (redis) => redis.info('replication'))),
      'the replica follows',
    );
    await settled();
  }

  /** The answers of all running nodes. */
  async function answers<T>(question: (redis: Redis) => Promise<T>): Promise<T[]> {
    const results = await Promise.allSettled(nodes.map(({ url }) => ask(url, question)));
    return results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  }

  async function settled() {
    await eventually(async () => {
      const infos = await answers((redis) => redis.cluster('INFO'));
      const whole = (info: string) =>
        info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}\r`);
      return infos.length >= MASTERS && infos.every(whole);
    }, 'the cluster serves all slots');
  }

  async function owner(): Promise<TestRedis> {
    const views = await answers((redis) => redis.cluster('SLOTS'));
    const owners = new Set(
      views.map((ranges) => Number(ranges.find(([from, to]) => from <= slot && slot <= to)?.[2]?.[1])),
    );
    const found = nodes.find(({ port }) => owners.has(port));
    if (owners.size !== 1 || !found) throw new Error('the nodes do not agree on who holds the slot');
    return found;
  }

  return {
    url: `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    owner,
    settled,
    async failOver() {
      const follower = nodes[MASTERS];
      if (!follower) throw new Error('there is no replica');
      await ask(follower.url, (redis) => redis.cluster('FAILOVER'));
    },
    close: () => stack.disposeAsync(),
  };
}
