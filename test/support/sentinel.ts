import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { onFreePort } from './free-port.ts';
import { startProgram, tempFolder } from './process.ts';
import { eventually } from './product.ts';
import { startTestRedis, type TestRedis } from './redis.ts';

/** A master with replicas, and three Sentinels that watch it. */
export interface SentinelGroup {
  /** `redis+sentinel://…` with all three Sentinels. */
  readonly url: string;
  /** The server that the Sentinels currently name as master. */
  master(): Promise<TestRedis>;
  /** Kills all processes and removes their files. */
  close(): Promise<void>;
  /** Lets a replica take over from a healthy master, as before an update. */
  failOver(): Promise<void>;
}

const NAME = 'main';
/** Longer than a failover takes, also on a machine that stalls for a while. */
const PAUSE_MS = 10_000;
export const PASSWORD = 'of-the-servers';
export const SENTINEL_PASSWORD = 'of-the-sentinels';
/**
 * A master that does not answer for this long is down. It is shorter than in production, and long enough for a busy
 * machine.
 */
const DOWN_AFTER_MS = 1_500;

/** Writes are refused unless a replica is connected. Servers and Sentinels have different passwords. */
export async function startSentinelGroup({ replicas }: { replicas: number }): Promise<SentinelGroup> {
  const stack = new AsyncDisposableStack();
  const servers: TestRedis[] = [];
  const sentinels: number[] = [];
  for (let i = 0; i <= replicas; i++) {
    const config = { appendfsync: 'no', 'min-replicas-to-write': '1', 'repl-diskless-sync-delay': '0' };
    const server = await startTestRedis({ config });
    stack.defer(server.close);
    await ask(server.url, (redis) => redis.config('SET', 'masterauth', PASSWORD, 'requirepass', PASSWORD));
    servers.push(server);
  }
  const [first, ...others] = servers;
  if (!first) throw new Error('there is no master');
  for (const { port } of others) await ask(serverUrl(port), (redis) => redis.replicaof('127.0.0.1', first.port));
  for (let i = 0; i < 3; i++) {
    const sentinel = await onFreePort((port) => startSentinel(port, first.port));
    stack.defer(sentinel.close);
    sentinels.push(sentinel.port);
  }
  // A Sentinel asks its master for replicas every ten seconds.
  await eventually(
    async () => {
      const known = await Promise.all(sentinels.map(describeMaster));
      return known.every((each) => each.get('num-slaves') === `${replicas}` && each.get('num-other-sentinels') === '2');
    },
    'all Sentinels know each other and the replicas',
    30_000,
    200,
  );
  // Writes are refused until the replicas have connected.
  await eventually(
    () => ask(serverUrl(first.port), (redis) => redis.set('ready', '1')).then(Boolean),
    'a write is taken',
  );

  async function master(): Promise<TestRedis> {
    const answers = await Promise.all(sentinels.map(describeMaster));
    const ports = new Set(answers.map((each) => Number(each.get('port'))));
    const found = servers.find(({ port }) => ports.has(port));
    if (ports.size !== 1 || !found) throw new Error('the Sentinels do not agree');
    return found;
  }

  const hosts = sentinels.map((port) => `127.0.0.1:${port}`).join(',');
  return {
    url: `redis+sentinel://:${PASSWORD}@${hosts}/${NAME}?sentinelPassword=${SENTINEL_PASSWORD}`,
    master,
    async failOver() {
      // Otherwise the old master would go on acknowledging writes that its successor never gets.
      await ask(serverUrl((await master()).port), (redis) => redis.call('CLIENT', 'PAUSE', PAUSE_MS, 'WRITE'));
      const [port = 0] = sentinels;
      await ask(sentinelUrl(port), (sentinel) => sentinel.call('SENTINEL', 'FAILOVER', NAME));
    },
    close: () => stack.disposeAsync(),
  };
}

async function startSentinel(port: number, masterPort: number) {
  const folder = await tempFolder();
  const file = join(folder.path, 'sentinel.conf');
  await writeFile(
    file,
    `port ${port}
bind 127.0.0.1
dir ${folder.path}
requirepass ${SENTINEL_PASSWORD}
sentinel sentinel-pass ${SENTINEL_PASSWORD}
sentinel monitor ${NAME} 127.0.0.1 ${masterPort} 2
sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}
sentinel auth-pass ${NAME} ${PASSWORD}
sentinel failover-timeout ${NAME} 5000
`,
  );
  const sentinel = startProgram('redis-server', [file, '--sentinel'], {});
  async function close() {
    await sentinel.kill();
    await folder.remove();
  }
  try {
    await eventually(async () => (await describeMaster(port)).size > 0, 'the Sentinel answers', 10_000);
  } catch (cause) {
    await close();
    throw new Error(`the Sentinel did not start on port ${port}:\n${sentinel.output()}`, { cause });
  }
  return { port, close };
}

async function describeMaster(port: number): Promise<Map<string, string>> {
  const reply = await ask(sentinelUrl(port), (sentinel) => sentinel.call('SENTINEL', 'MASTER', NAME));
  const flat = Array.isArray(reply) ? reply.map(String) : [];
  return new Map(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? ''] as const] : [])));
}

const sentinelUrl = (port: number) => `redis://:${SENTINEL_PASSWORD}@127.0.0.1:${port}`;
const serverUrl = (port: number) => `redis://:${PASSWORD}@127.0.0.1:${port}`;

/** Sends one command to one server. */
export async function ask<T>(url: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { enableReadyCheck: false, retryStrategy: null, commandTimeout: 10_000 });
  redis.on('error', () => undefined);
  try {
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}
