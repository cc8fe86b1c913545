// A process that tests kill. It holds a data folder and its Redis:   node embedded-parent.ts <data folder>
// It prints {"pid": <of Redis>} once Redis serves. SIGTERM stops both in order.
import { once } from 'node:events';
import { pino } from 'pino';
import { openDataDir } from '../../src/embedded/data-dir.ts';
import { startEmbeddedRedis } from '../../src/embedded/redis.ts';

const terminated = once(process, 'SIGTERM');
const dataDir = await openDataDir(process.argv[2] ?? '');
const redis = await startEmbeddedRedis({ dataDir: dataDir.path, log: pino({ level: 'silent' }) });
process.stdout.write(`${JSON.stringify({ pid: redis.pid })}\n`);

// A signal handler alone would not keep the process alive.
const alive = setInterval(() => undefined, 60_000);
await terminated;
clearInterval(alive);
await redis.close();
await dataDir.close();
