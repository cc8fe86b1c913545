import { once } from 'node:events';
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { disposals } from '../../support/disposals.ts';
import { freePort } from '../../support/free-port.ts';
import { startProduct, tempFolder } from '../../support/process.ts';
import { type Gateway, openProduct, type Product } from '../../support/product.ts';

const suite = disposals();
let product: Product;
let gateway: Gateway;
let adminPort: number;

beforeAll(async () => {
  product = await openProduct(suite);
  adminPort = await freePort();
  gateway = await product.gateway({ ADMIN_PORT: String(adminPort) });
}, 120_000);

/** The status of the answer to these bytes. */
async function statusOf(port: number, bytes: string): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('error', () => undefined).on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.write(bytes);
  await once(socket, 'close');
  return text.split(' ')[1];
}

const query = '{"query":"{__typename}"}';
const post = (hosts: string) =>
  `POST /graphql HTTP/1.1\r\n${hosts}Connection: close\r\nContent-Type: application/json\r\n` +
  `Content-Length: ${query.length}\r\n\r\n${query}`;

it('B18 two Host headers are refused, on both ports and of a WebSocket', async () => {
  const one = 'Host: localhost\r\n';
  expect(await statusOf(gateway.port, post(one))).toBe('200');
  for (const more of ['Host: evil.test\r\n', 'host: localhost\r\n', 'hOST:\r\n']) {
    expect(await statusOf(gateway.port, post(one + more)), more).toBe('400');
    expect(await statusOf(adminPort, `GET /healthz HTTP/1.1\r\n${one}${more}Connection: close\r\n\r\n`), more).toBe(
      '400',
    );
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n';
    expect(await statusOf(gateway.port, `GET /graphql HTTP/1.1\r\n${one}${more}${upgrade}${key}\r\n`), more).toBe(
      '400',
    );
  }
});

it.each([
  ['a zero-width space', 'a\u200bb'],
  ['a zero-width joiner', 'a\u200db'],
  ['a mark of direction', 'a\u202eb'],
  ['an isolate', 'a\u2066b'],
  ['a byte order mark', '\ufeffa'],
  ['a soft hyphen', 'a\u00adb'],
  ['a no-break space', 'a\u00a0b'],
  ['an ideographic space', 'a\u3000b'],
  ['a Hangul filler', 'a\u3164b'],
  ['a tag', 'a\u{e0041}b'],
])('B18 an idempotency key with %s is refused, by generate and by retryJob', async (_name, key) => {
  const message = 'expected printable characters, none that is invisible, and plain spaces';
  const issue = (path: string[]) => ({ code: 'BAD_USER_INPUT', issues: [{ path, message, code: 'invalid_format' }] });
  const { errors } = await gateway.tryGenerate({ key });
  expect(errors).toMatchObject([{ extensions: issue(['input', 'idempotencyKey']) }]);
  const retry = await gateway.post('mutation($key: String!) { retryJob(id: "x", idempotencyKey: $key) { replayed } }', {
    key,
  });
  expect(retry.errors).toMatchObject([{ extensions: issue(['idempotencyKey']) }]);
});

it('B18 an idempotency key may be any visible text', async () => {
  for (const key of ['order 17/3', 'Bestellung-ü', '注文-42', 'заказ №7', '😀']) await gateway.generate({ key });
});

it('B18 one key makes one job, whatever the order of outputs and files and the titles of nodes', async () => {
  const node = (title?: string) => ({
    class_type: 'SaveImage',
    inputs: { images: ['1', 0], filename_prefix: 'x' },
    ...(title === undefined ? {} : { _meta: { title } }),
  });
  const empty = { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } };
  const answerSchema = z.object({ generate: z.object({ replayed: z.boolean(), job: z.object({ id: z.string() }) }) });
  const generate = async (custom: object) => {
    const text = 'mutation($input: GenerateInput!) { generate(input: $input) { replayed job { id } } }';
    const { data, errors } = await gateway.post(text, { input: { idempotencyKey: 'one graph', workflow: { custom } } });
    return { ...answerSchema.catch({ generate: { replayed: false, job: { id: '' } } }).parse(data).generate, errors };
  };
  const first = await generate({ graph: { '1': empty, '8': node('A'), '9': node() }, outputs: ['8', '9'] });
  expect(first).toMatchObject({ replayed: false, errors: [] });
  const again = await generate({ graph: { '9': node('Z'), '8': node(), '1': empty }, outputs: ['9', '8'] });
  expect(again).toMatchObject({ replayed: true, job: first.job });
  for (const custom of [
    { graph: { '1': empty, '8': node(), '9': node() }, outputs: ['8'] },
    {
      graph: { '1': { ...empty, inputs: { ...empty.inputs, color: 1 } }, '8': node(), '9': node() },
      outputs: ['8', '9'],
    },
  ]) {
    expect((await generate(custom)).errors).toMatchObject([{ extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } }]);
  }
});

describe.concurrent('B18 a start that cannot be ends with a line that says what to do', { timeout: 60_000 }, () => {
  const env = {
    STORAGE_SHARED: 'true',
    SIGNING_SECRET: 'x'.repeat(32),
    COMFYUI_URLS: 'a=http://127.0.0.1:1',
    PORT: '0',
  };
  async function ended(args: string[], more: Record<string, string>) {
    const process = startProduct(args, more);
    const giveUp = setTimeout(() => process.signal('SIGKILL'), 40_000);
    const code = await process.exited;
    clearTimeout(giveUp);
    const text = process.output();
    expect(text).not.toMatch(/\n\s+at /);
    return { code, lines: text.split('\n').filter((line) => line !== '' && !line.startsWith('{')) };
  }

  it.each([['gateway'], ['worker'], ['start']])('of `%s` in a DATA_DIR where nobody can write', async (role) => {
    const { code, lines } = await ended([role], {
      ...env,
      REDIS_URL: product.redis.url,
      REDIS_PREFIX: role,
      DATA_DIR: '/proc/x',
    });
    expect(code).toBeGreaterThan(0);
    expect(lines.at(-1)).toMatch(/^ *DATA_DIR: .*\/proc\/x.*$/);
    expect(lines.join()).toMatch(/folder that this user can write/);
    expect(lines.length).toBeLessThan(3);
  });

  it.each([
    ['HOST', 'gateway'],
    ['HOST', 'start'],
    ['ADMIN_HOST', 'worker'],
  ])('on a %s that is no address, of `%s`', async (name, role) => {
    const folder = await tempFolder();
    const more = {
      REDIS_URL: product.redis.url,
      DATA_DIR: folder.path,
      AUTH: 'none',
      ADMIN_PORT: '0',
      [name]: '256.1.1.1',
    };
    const { code, lines } = await ended([role], { ...env, ...more });
    await folder.remove();
    expect(code).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(/256\.1\.1\.1.*: set HOST, and ADMIN_HOST, to an address of this machine/),
    ]);
  });

  it('of a simulator', async () => {
    const { code, lines } = await ended(['simulator', '--host', '256.1.1.1', '--port', '0'], {});
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/^error: .*256\.1\.1\.1.*: choose a --host of this machine/)]);
  });
});
