import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

/** A proxy before the ComfyUI on this port that hides some of its node classes, and records and delays requests. */
export async function startLackingComfyui(port: number, classes: readonly string[]) {
  const requests: string[] = [];
  const gate = { before: async (_request: string): Promise<void> => undefined };
  const server = createServer(async (incoming, outgoing) => {
    const { method, url = '/', headers } = incoming;
    requests.push(`${method} ${url}`);
    await gate.before(`${method} ${url}`);
    const forward = request({ host: '127.0.0.1', port, method, path: url, headers }, async (answer) => {
      // What is no list of classes goes on as it is.
      if (!url.startsWith('/api/object_info') || answer.statusCode !== 200) {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        // When the server cuts a file off, the proxy does so too.
        answer.on('error', () => outgoing.destroy());
        answer.pipe(outgoing);
        return;
      }
      try {
        const known = JSON.parse(await text(answer));
        for (const each of classes) delete known[each];
        outgoing.end(JSON.stringify(known));
      } catch {
        // A list that the server cut off is cut off here too.
        outgoing.destroy();
      }
    });
    forward.on('error', () => outgoing.destroy());
    incoming.pipe(forward);
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (incoming, socket, head) => {
    const lines = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const onward = connect(port, '127.0.0.1', () => {
      onward.write(`GET ${incoming.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    for (const [one, other] of [
      [onward, socket],
      [socket, onward],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** The requests, such as `POST /api/prompt`. */
    requests,
    /** Its `before` is awaited before a request goes on to the server. */
    gate,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
