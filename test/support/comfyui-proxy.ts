import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';

export interface ComfyuiProxy extends AsyncDisposable {
  url: string;
  /** The lengths of the upload requests to the server. */
  uploads: number[];
  /** Answers a request instead of the server, or returns false to forward it. */
  onRequest: (req: IncomingMessage, res: ServerResponse) => boolean;
  /** Changes a graph on its way to the server. */
  rewrite: ((body: string) => string) | null;
  /** The same for uploads alone. */
  onUpload: (req: IncomingMessage, res: ServerResponse) => boolean;
  /** Answers a request for a file instead of the server, or returns false to forward it. */
  onView: (query: URLSearchParams, res: ServerResponse) => boolean;
  /** Sends a message of plain characters to all that listen, beside the server, which must be silent. */
  tell: (message: string) => void;
}

/** A proxy before the ComfyUI on this port. It counts uploads, and may answer them itself. */
export async function startComfyuiProxy(port: number): Promise<ComfyuiProxy> {
  const uploads: number[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer((req, res) => {
    const { method, url = '/', headers } = req;
    if (url.endsWith('/upload/image')) {
      uploads.push(Number(headers['content-length']));
      if (proxy.onUpload(req, res)) return;
    }
    if (proxy.onRequest(req, res)) return;
    const at = new URL(url, 'http://comfyui');
    if (at.pathname.endsWith('/view') && proxy.onView(at.searchParams, res)) return;
    const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(res);
    });
    onward.on('error', () => res.destroy());
    if (proxy.rewrite && method === 'POST' && at.pathname.endsWith('/prompt')) {
      const { rewrite } = proxy;
      onward.removeHeader('content-length');
      void text(req).then((body) => onward.end(rewrite(body)));
    } else req.pipe(onward);
  });
  server.on('upgrade', (req, socket, head) => {
    sockets.add(socket);
    const onward = connect(port, '127.0.0.1', () => {
      const lines = Object.entries(req.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      onward.write(`GET ${req.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('error', () => onward.destroy()).on('close', () => onward.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const proxy: ComfyuiProxy = {
    url: `http://127.0.0.1:${address.port}`,
    uploads,
    onRequest: () => false,
    rewrite: null,
    onUpload: () => false,
    onView: () => false,
    tell(message) {
      const { length } = message;
      const header = length < 126 ? [0x81, length] : [0x81, 126, length >> 8, length & 255];
      const frame = Buffer.concat([Buffer.from(header), Buffer.from(message)]);
      for (const socket of sockets) socket.write(frame);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
