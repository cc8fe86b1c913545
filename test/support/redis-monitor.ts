import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * Records all commands that a Redis gets, with MONITOR. It uses a plain socket, since ioredis fails when commands
 * arrive in the same chunk as the OK of MONITOR.
 */
export async function monitorRedis(
  port: number,
  onCommand: (command: { name: string; key: string; atMs: number }) => void,
): Promise<Disposable> {
  const socket = connect(port, '127.0.0.1');
  const lines = createInterface({ input: socket });
  socket.write('MONITOR\r\n');
  await once(lines, 'line');
  lines.on('line', (line) => {
    const [, seconds, name = '', key = ''] = /^\+([\d.]+) \[[^\]]*\] "(\w+)"(?: "([^"]*)")?/.exec(line) ?? [];
    if (seconds) onCommand({ name: name.toLowerCase(), key, atMs: Number(seconds) * 1_000 });
  });
  return { [Symbol.dispose]: () => socket.destroy() };
}
