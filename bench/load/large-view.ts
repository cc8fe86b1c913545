// A ComfyUI whose results are large: `node large-view.ts URL BYTES` forwards all requests to the server at URL, and
// adds BYTES bytes of padding to the MP4 and PNG files of /view, so that the files stay valid.
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

const [, , address = '', bytes = ''] = process.argv;
const { hostname, port } = new URL(address);
const padding = Number(bytes);

const CHUNK = Buffer.alloc(64 * 1024, 0x55);
const PNG_END_BYTES = 12;

const server = createServer((incoming, answer) => {
  serve(incoming, answer).catch(() => answer.destroy());
});
server.on('upgrade', (incoming, socket, head) => {
  const upstream = connect(Number(port), hostname, () => {
    const lines = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${value}`);
    upstream.write(`GET ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    upstream.write(head);
    socket.pipe(upstream).pipe(socket);
  });
  for (const end of [socket, upstream]) end.on('error', () => [socket, upstream].map((each) => each.destroy()));
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.once('disconnect', () => process.exit(0));

async function serve(incoming: IncomingMessage, answer: ServerResponse) {
  const { method, url, headers } = incoming;
  const upstream = request({ hostname, port, method, path: url, headers });
  const replied = new Promise<IncomingMessage>((resolve, reject) => {
    upstream.once('response', resolve).once('error', reject);
  });
  await pipeline(incoming, upstream);
  const reply = await replied;
  if (!url?.startsWith('/api/view') || reply.statusCode !== 200) {
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    await pipeline(reply, answer);
    return;
  }
  const [head, tail] = aroundPadding(await buffer(reply));
  answer.writeHead(200, { ...reply.headers, 'content-length': head.length + padding + tail.length });
  await pipeline(Readable.from(padded(head, tail)), answer);
}

/** The bytes before and after the padding: an MP4 box of type `free`, or a PNG chunk that readers ignore. */
function aroundPadding(file: Buffer): [Buffer, Buffer] {
  const frame = Buffer.alloc(8);
  if (file.subarray(4, 8).toString() === 'ftyp') {
    frame.writeUInt32BE(padding + 8);
    frame.write('free', 4);
    return [Buffer.concat([file, frame]), Buffer.alloc(0)];
  }
  frame.writeUInt32BE(padding);
  frame.write('paDd', 4);
  const crc = Buffer.alloc(4);
  return [
    Buffer.concat([file.subarray(0, -PNG_END_BYTES), frame]),
    Buffer.concat([crc, file.subarray(-PNG_END_BYTES)]),
  ];
}

function* padded(head: Buffer, tail: Buffer) {
  yield head;
  for (let left = padding; left > 0; left -= CHUNK.length) yield CHUNK.subarray(0, left);
  yield tail;
}
