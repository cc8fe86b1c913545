import { connect } from 'node:net';

/**
 * Sends one command to a Redis on a unix socket and returns the first chunk of its raw answer, or undefined when
 * nothing listens there or no answer comes in time. It only checks whether a server is there: all else uses the Redis
 * client.
 */
export function probeRedis(socketPath: string, command: string, timeoutMs = 1_000): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer: string | undefined;
    const socket = connect(socketPath, () => socket.write(`${command}\r\n`));
    socket.setTimeout(timeoutMs, () => socket.destroy());
    socket.once('data', (chunk) => {
      answer = chunk.toString();
      socket.destroy();
    });
    // ENOENT and ECONNREFUSED mean that nothing listens. `close` follows every error and resolves the promise.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(answer));
  });
}
