import { connect } from 'node:net';

/**
 * Sends one command to a Redis on a unix socket and gives the beginning of its answer, as it comes over the wire; undefined when
 * nobody listens there or no answer comes in time. For looking whether it serves: everything else goes through the client.
 */
export function askRedis(socketPath: string, command: string, timeoutMs = 1_000): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer: string | undefined;
    const socket = connect(socketPath, () => socket.write(`${command}\r\n`));
    socket.setTimeout(timeoutMs, () => socket.destroy());
    socket.once('data', (chunk) => {
      answer = chunk.toString();
      socket.destroy();
    });
    // ENOENT and ECONNREFUSED are the answer "nobody"; `close` follows every error.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(answer));
  });
}
