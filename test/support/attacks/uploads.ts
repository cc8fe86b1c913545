import type { Attack } from './attack.ts';
import { ask, send } from './wire.ts';

const CREATE = `mutation ($size: SafeInt!) {
  createUpload(input: { filename: "x", contentType: "image/png", size: $size }) { url } }`;
const SLOW_BYTES = 1_000_000;

/** Files that come a byte at a time, for as long as they are taken. A turn is a byte. */
export const slowUploads: Attack = {
  usual: { clients: 60, perSecond: 1 },
  async run(client) {
    await client.turn();
    const { text, code } = await ask(client, CREATE, { size: SLOW_BYTES });
    const [, url] = /"url":"([^"]+)"/.exec(text) ?? [];
    if (url === undefined) throw new Error(`no upload: ${code}`);
    const { pathname, search } = new URL(url);
    async function* bytes() {
      for (let i = 0; i < SLOW_BYTES; i++) {
        yield Buffer.from('x');
        await client.turn();
      }
    }
    const headers = { 'content-type': 'image/png', 'content-length': String(SLOW_BYTES) };
    await send(client, { method: 'PUT', path: pathname + search, headers, body: bytes() });
  },
};

/** Announces files that never come. A turn is a file. */
export const announcedUploads: Attack = {
  usual: { clients: 4, perSecond: 30 },
  async run(client) {
    for (;;) {
      await client.turn();
      await ask(client, CREATE, { size: 1 });
    }
  },
};
