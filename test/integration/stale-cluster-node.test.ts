import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { closeRedis, connectRedis, whenReady } from '../../src/redis/connection.ts';
import { silent } from '../support/gateway-store.ts';
import { startTestRedis } from '../support/redis.ts';

/** A node of a Cluster that answers nothing but who holds the slots, as it thinks; gives its port. */
async function startNode(ownerPort: number): Promise<number> {
  const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
  const slots = `*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n${bulk('127.0.0.1')}:${ownerPort}\r\n`;
  const answer = (command: string) =>
    command.includes('KEYSLOT') ? ':0\r\n' : command.includes('SLOTS') ? slots : '+OK\r\n';
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (commands) => {
      for (const [command] of commands.toString().matchAll(/\*\d[^*]+/g)) socket.write(answer(command));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

it.each(['is gone', 'is a replica now'])(
  'of a Cluster is not asked first for ever: the owner that it names %s',
  async (why) => {
    const [master, former] = await Promise.all([startTestRedis(), startTestRedis()]);
    onTestFinished(master.close);
    onTestFinished(former.close);
    const admin = connectRedis({ url: former.url, role: 'request', log: silent });
    onTestFinished(() => closeRedis(admin));
    await whenReady(admin);
    await admin.replicaof('127.0.0.1', master.port);
    if (why === 'is gone') await former.kill();

    const stale = await startNode(former.port);
    const good = await startNode(master.port);
    const redis = connectRedis({
      url: `redis+cluster://127.0.0.1:${stale},127.0.0.1:${good}`,
      role: 'request',
      log: silent,
    });
    onTestFinished(() => closeRedis(redis));
    await whenReady(redis, AbortSignal.timeout(20_000));
    expect(await redis.info('server')).toContain(`tcp_port:${master.port}`);
  },
);
