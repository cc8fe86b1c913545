import { randomUUID } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { disposals } from '../../support/disposals.ts';
import { testPicture } from '../../support/pictures.ts';
import { onlySimulator } from '../../support/product.ts';
import { type ExpectedIssue, openRefusals, type Refusals } from '../../support/refusals.ts';

const url = 'https://example.com/x.png';
/** What each shipped workflow takes, so that a row says only what is wrong. */
const needed = {
  textToImage: { prompt: 'x' },
  imageToImage: { prompt: 'x', image: { url } },
  inpaint: { prompt: 'x', image: { url }, mask: { url } },
  upscale: { image: { url } },
  textToVideo: { prompt: 'x' },
  textToAudio: { prompt: 'x' },
};
type Shipped = keyof typeof needed;

const parameters: [workflow: Shipped, parameters: object, ...issues: ExpectedIssue[]][] = [
  ['textToImage', { prompt: null }, ['prompt', 'required', /expected a value/]],
  ['textToImage', { prompt: '   ' }, ['prompt', 'too_small', /1 to 5000 characters, got only white space/]],
  ['textToImage', { prompt: 5 }, ['prompt', 'invalid_type', /expected a string/]],
  ['textToImage', { prompt: ['x'] }, ['prompt', 'invalid_type', /expected a string/]],
  ['textToImage', { prompt: { text: 'x' } }, ['prompt', 'invalid_type', /expected a string/]],
  ['textToImage', { prompt: 'x'.repeat(5_001) }, ['prompt', 'too_big', /1 to 5000 characters, got 5001 characters/]],
  ['textToImage', { negativePrompt: 'a\0' }, ['negativePrompt', 'invalid_string', /without NUL/]],
  ['textToImage', { width: [64] }, ['width', 'invalid_type', /integer of 32 bits/]],
  ['textToImage', { width: 64.5 }, ['width', 'invalid_type', /integer/]],
  ['textToImage', { width: 2 ** 31 }, ['width', 'invalid_type', /integer of 32 bits/]],
  ['textToImage', { height: 63 }, ['height', 'too_small', /from 64 to 2048, a multiple of 8, got 63/]],
  [
    'textToImage',
    { width: 2_048, height: 2_048 },
    ['width', 'too_big', /width x height of at most 4 megapixels, got 2048 x 2048/],
  ],
  ['textToImage', { cfgScale: 'high' }, ['cfgScale', 'invalid_type', /expected a number/]],
  ['textToImage', { cfgScale: 30.1 }, ['cfgScale', 'too_big', /from 1 to 30, got 30\.1/]],
  ['textToImage', { batchSize: 5 }, ['batchSize', 'too_big', /from 1 to 4, got 5/]],
  ['textToImage', { batchSize: true }, ['batchSize', 'invalid_type', /integer/]],
  ['textToImage', { sampler: 'EULR' }, ['sampler', 'not_a_choice', /expected one of .*did you mean EULER/]],
  ['textToImage', { sampler: 'dpmpp_2m' }, ['sampler', 'not_a_choice', /did you mean DPMPP_2M\b/]],
  ['textToImage', { sampler: 3 }, ['sampler', 'not_a_choice', /expected one of .*EULER/]],
  ['textToImage', { scheduler: 'NORMA' }, ['scheduler', 'not_a_choice', /did you mean NORMAL/]],
  ['textToImage', { negativprompt: 'x' }, ['negativprompt', 'unknown_field', /did you mean negativePrompt/]],
  ['textToImage', { seed: 2 ** 53 }, ['seed', 'invalid_type', /-\(2\^53-1\) to 2\^53-1/]],
  ['textToImage', { seed: -1 }, ['seed', 'too_small', /from 0 to 9007199254740991, got -1/]],
  ['textToImage', { seed: 1.5 }, ['seed', 'invalid_type', /integer/]],
  [
    'textToImage',
    { model: 'v1-5-pruned.safetensors' },
    ['model', 'not_a_choice', /did you mean v1-5-pruned-emaonly\.safetensors.*Choices: .*sd_xl_base_1\.0/],
  ],
  ['textToImage', { model: '' }, ['model', 'too_small', /a model file's name/]],
  ['textToImage', { model: 'a\nb' }, ['model', 'invalid_string', /below the models folder/]],
  ['textToImage', { model: 'x'.repeat(256) }, ['model', 'too_big', /at most 255 characters, got 256/]],
  [
    'textToImage',
    { width: 7, steps: 0, seed: 'x', colour: 1 },
    ['width', 'too_small', /./],
    ['steps', 'too_small', /1 to 150/],
    ['seed', 'invalid_type', /integer/],
    ['colour', 'unknown_field', /expected .*width/],
  ],
  ['textToVideo', { width: 72 }, ['width', 'not_multiple_of', /a multiple of 16, got 72/]],
  ['textToVideo', { width: 1_296 }, ['width', 'too_big', /from 64 to 1280/]],
  ['textToVideo', { length: 0 }, ['length', 'too_small', /from 1 to 121/]],
  ['textToVideo', { fps: 61 }, ['fps', 'too_big', /from 1 to 60/]],
  ['textToVideo', { sampler: 'UNI_PD' }, ['sampler', 'not_a_choice', /did you mean UNI_PC\b/]],
  ['textToVideo', { seed: 2 ** 64 }, ['seed', 'invalid_type', /2\^53-1/]],
  [
    'textToVideo',
    { model: 'wan2.1_t2v_1.3B_fp8.safetensors' },
    ['model', 'not_a_choice', /did you mean wan2\.1_t2v_1\.3B_fp16\.safetensors/],
  ],
  ['textToVideo', { batchSize: 1 }, ['batchSize', 'unknown_field', /prompt/]],
  ['textToAudio', { seconds: 0.5 }, ['seconds', 'too_small', /a number from 1 to 240, got 0\.5/]],
  ['textToAudio', { seconds: 241 }, ['seconds', 'too_big', /from 1 to 240/]],
  ['textToAudio', { lyrics: 'x'.repeat(5_001) }, ['lyrics', 'too_big', /at most 5000 characters/]],
  ['textToAudio', { scheduler: 'SIMPEL' }, ['scheduler', 'not_a_choice', /did you mean SIMPLE/]],
  ['textToAudio', { model: 'ace_step.safetensors' }, ['model', 'not_a_choice', /ace_step_v1_3\.5b_model\.safetensors/]],
  ['imageToImage', { denoise: 1.01 }, ['denoise', 'too_big', /a number from 0 to 1, got 1\.01/]],
  ['imageToImage', { denoise: -0.1 }, ['denoise', 'too_small', /from 0 to 1/]],
  ['imageToImage', { model: 'none.ckpt' }, ['model', 'not_a_choice', /Choices: /]],
  ['imageToImage', { image: null }, ['image', 'required', /expected a value/]],
  ['imageToImage', { image: 'boat.png' }, ['image', 'invalid_type', /expected an object/]],
  ['imageToImage', { image: {} }, ['image', 'one_of', /exactly one of/]],
  ['imageToImage', { image: { url, upload: randomUUID() } }, ['image', 'one_of', /exactly one of/]],
  ['imageToImage', { image: { path: '/etc/passwd' } }, ['image.path', 'unknown_field', /upload, url/]],
  [
    'imageToImage',
    { image: { upload: randomUUID() } },
    ['image.upload', 'not_found', /the id of an upload that is there/],
  ],
  ['imageToImage', { image: { upload: '../../x' } }, ['image.upload', 'invalid_string', /the id of an upload/]],
  ['imageToImage', { image: { upload: 5 } }, ['image.upload', 'invalid_string', /the id of an upload/]],
  ['inpaint', { growMask: 65 }, ['growMask', 'too_big', /from 0 to 64/]],
  ['inpaint', { maskChannel: 'RE' }, ['maskChannel', 'not_a_choice', /did you mean RED/]],
  ['inpaint', { mask: null }, ['mask', 'required', /expected a value/]],
  [
    'inpaint',
    { image: { upload: randomUUID() }, mask: { upload: randomUUID() } },
    ['image.upload', 'not_found', /upload/],
    ['mask.upload', 'not_found', /upload/],
  ],
  ['upscale', { model: 'RealESRGAN_x2plus.pth' }, ['model', 'not_a_choice', /did you mean RealESRGAN_x4plus\.pth/]],
  ['upscale', { image: [{ url }, { url }] }, ['image', 'invalid_type', /expected an object/]],
  ['upscale', { image: { url }, scale: 2 }, ['scale', 'unknown_field', /image, model/]],
];

/** Addresses that lead nowhere public, or are none. */
const addresses: [address: string, code: string, message: RegExp][] = [
  ...[
    'https://127.0.0.1/x',
    'https://127.1/x',
    'https://2130706433/x',
    'https://0177.0.0.1/x',
    'https://0x7f000001/x',
    'https://0/x',
    'https://[::1]/x',
    'https://[::ffff:127.0.0.1]/x',
    'https://[::ffff:7f00:1]/x',
    'https://[64:ff9b::7f00:1]/x',
    'https://[fe80::1]/x',
    'https://[fd00::1]/x',
    'https://10.0.0.1/x',
    'https://172.16.0.1/x',
    'https://192.168.1.1/x',
    'https://169.254.169.254/latest',
    'https://100.64.0.1/x',
    'https://224.0.0.1/x',
    'https://255.255.255.255/x',
    'https://localhost/x',
    'https://LOCALHOST./x',
    'https://a.localhost/x',
    'https://redis/x',
    'https://comfyui.local/x',
    'https://metadata.google.internal/x',
    'https://１２７.0.0.1/x',
    'https://127。0。0。1/x',
    'https://①②⑦.0.0.1/x',
  ].map((address): [string, string, RegExp] => [address, 'invalid_url', /on the public internet/]),
  ...['http://example.com/x', 'HTTP://example.com/x'].map((address): [string, string, RegExp] => [
    address,
    'invalid_url',
    /an https address/,
  ]),
  ...[
    'file:///etc/passwd',
    'ftp://example.com/x',
    'data:image/png;base64,AAAA',
    'javascript:alert(1)',
    'gopher://x/',
    '//example.com/x',
    '/x.png',
    'https://',
    'https:///',
    '',
    'x',
  ].map((address): [string, string, RegExp] => [address, 'invalid_string', /expected an https address/]),
  ['https://user:geheim@example.com/x', 'invalid_string', /without user name and password/],
  ['https://user@example.com/x', 'invalid_string', /without user name and password/],
  ['https://example.com/a b', 'invalid_string', /white space/],
  ['https://example.com/\r\nHost: x', 'invalid_string', /white space/],
  ['https://exam\tple.com/', 'invalid_string', /white space/],
  [`https://example.com/${'x'.repeat(2_048)}`, 'invalid_string', /at most 2048 characters/],
];

const key = (idempotencyKey: string) => ({ idempotencyKey });
/** What stands around the workflow. */
const requests: [name: string, input: object, ...issues: ExpectedIssue[]][] = [
  ['waitSeconds -1', { waitSeconds: -1 }, ['waitSeconds', 'too_small', /0 to 60 seconds/]],
  ['waitSeconds 61', { waitSeconds: 61 }, ['waitSeconds', 'too_big', /0 to 60 seconds/]],
  ['waitSeconds 1.5', { waitSeconds: 1.5 }, ['waitSeconds', 'invalid_type', /integer/]],
  ['deadlineSeconds 0', { deadlineSeconds: 0 }, ['deadlineSeconds', 'too_small', /at least 1 second/]],
  [
    'deadlineSeconds of years',
    { deadlineSeconds: 2_000_000_000 },
    ['deadlineSeconds', 'too_big', /at most 604800 seconds/],
  ],
  ['a priority that there is not', { priority: 'HIGHT' }, ['priority', 'not_a_choice', /did you mean HIGH/]],
  ['tags that are a number', { tags: 5 }, ['tags', 'invalid_type', /expected a string/]],
  ['a tag with a line break', { tags: ['a\nb'] }, ['tags.0', 'invalid_format', /printable/]],
  ['no key', key(''), ['idempotencyKey', 'too_small', /1 to 255 characters/]],
  ['a field that there is not', { seed: 5 }, ['seed', 'unknown_field', /expected .*workflow/]],
  [
    'two workflows',
    { workflow: { textToImage: { prompt: 'x' }, upscale: { image: { url } } } },
    ['workflow', 'one_of', /exactly one of/],
  ],
  ['no workflow', { workflow: {} }, ['workflow', 'one_of', /exactly one of/]],
];

const uploads: [name: string, input: object, ...issues: ExpectedIssue[]][] = [
  ['of size 0', { size: 0 }, ['size', 'too_small', /1 to 100000000 bytes/]],
  ['of size -1', { size: -1 }, ['size', 'too_small', /1 to 100000000 bytes/]],
  ['of size 1.5', { size: 1.5 }, ['size', 'invalid_type', /integer/]],
  ['of a size in text', { size: '5' }, ['size', 'invalid_type', /integer/]],
  ['too large', { size: 100_000_001 }, ['size', 'too_big', /1 to 100000000 bytes/]],
  ['beyond 2^53', { size: 2 ** 60 }, ['size', 'invalid_type', /2\^53-1/]],
  ...[
    'image/svg+xml',
    'text/html',
    'application/zip',
    'application/octet-stream',
    'image',
    'image/',
    '*/*',
    '',
    'image/png\r\nx: y',
    'image/p ng',
  ].map((contentType): [string, object, ExpectedIssue] => [
    `of type ${JSON.stringify(contentType)}`,
    { contentType },
    ['contentType', 'invalid_format', /a type of audio or video, or image\/png, /],
  ]),
  [
    'of a very long type',
    { contentType: `image/${'x'.repeat(300)}` },
    ['contentType', 'too_big', /a type of audio or video, or image\/png, /],
  ],
  ['without a name', { filename: '' }, ['filename', 'too_small', /expected a name/]],
  ['of a long name', { filename: 'x'.repeat(256) }, ['filename', 'too_big', /at most 255 characters/]],
  [
    'of nothing',
    { filename: null, contentType: null, size: null },
    ['filename', 'required', /expected a value/],
    ['contentType', 'required', /expected a value/],
    ['size', 'required', /expected a value/],
  ],
];

const CREATE = `mutation($input: CreateUploadInput!) { createUpload(input: $input) { id url headers } }`;
const createdSchema = z.object({
  createUpload: z.object({ id: z.string(), url: z.string(), headers: z.record(z.string(), z.string()) }),
});

/** A PNG that says a size and has no pixels to speak of. */
function pngOf(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1_000))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('inputs that attack', { timeout: 60_000 }, () => {
  const suite = disposals();
  let refusals: Refusals;
  beforeAll(async () => {
    refusals = await openRefusals(suite);
  }, 120_000);
  afterAll(() => refusals.target.expectUnharmed());

  const below = (lead: string, issues: ExpectedIssue[]) =>
    issues.map(([path, code, message]): ExpectedIssue => [`${lead}.${path}`, code, message]);
  const run = (name: Shipped, given: object) => ({ [name]: { ...needed[name], ...given } });

  async function announce(input: object) {
    const { data } = await refusals.target.ask(CREATE, { input });
    return createdSchema.parse(data).createUpload;
  }

  async function upload(bytes: Buffer, contentType = 'image/png', filename = 'a.png') {
    const { id, url: address, headers } = await announce({ filename, contentType, size: bytes.length });
    expect((await fetch(address, { method: 'PUT', headers, body: new Uint8Array(bytes) })).status).toBe(200);
    return id;
  }

  it.each(parameters.map((row) => [row[0], JSON.stringify(row[1]).slice(0, 60), row] as const))(
    '%s with %s is refused',
    async (_name, _given, [name, given, ...issues]) => {
      await refusals.expectRefused(run(name, given), below(`input.workflow.${name}`, issues));
    },
  );

  it.each(addresses)('the address %j is refused', async (address, code, message) => {
    const issue: ExpectedIssue = ['input.workflow.upscale.image.url', code, message];
    await refusals.expectRefused(run('upscale', { image: { url: address } }), [issue]);
  });

  it.each([
    ['"a\\ud800"', 'prompt', 'invalid_string', /half of a surrogate pair/],
    ['"\\udc00\\udc00"', 'negativePrompt', 'invalid_string', /half of a surrogate pair/],
    ['1e400', 'cfgScale', 'invalid_type', /expected a number/],
    ['18446744073709551615', 'seed', 'invalid_type', /integer/],
    ['1e999', 'width', 'invalid_type', /integer/],
  ] as const)('%s, which only raw JSON says, is refused for %s', async (json, name, code, message) => {
    const issue: ExpectedIssue = [`input.workflow.textToImage.${name}`, code, message];
    await refusals.expectRefused(run('textToImage', { [name]: '@' }), [issue], { json });
  });

  it('__proto__ and constructor are unknown parameters', async () => {
    const at = 'input.workflow.textToImage';
    await refusals.expectRefused(
      { textToImage: '@' },
      [
        [`${at}.__proto__`, 'unknown_field', /expected .*prompt/],
        [`${at}.constructor`, 'unknown_field', /expected .*prompt/],
      ],
      { json: '{"prompt":"x","__proto__":{"steps":3},"constructor":{}}' },
    );
  });

  it.each(requests)('a request with %s is refused', async (_name, input, ...issues) => {
    await refusals.expectRefused({ textToImage: { prompt: 'x' } }, below('input', issues), { input });
  });

  it.each(uploads)('an upload %s is refused', async (_name, input, ...issues) => {
    const { status, text } = await refusals.target.ask(CREATE, {
      input: { filename: 'a.png', contentType: 'image/png', size: 10, ...input },
    });
    expect(status).toBe(200);
    refusals.expectIssues(text, below('input', issues));
  });

  it.each(['../../etc/passwd', '/etc/passwd', 'C:\\x', 'a\0b', 'a\r\nx: y', '\ud800'])(
    'an upload called %j stays where it belongs',
    async (filename) => {
      const { id, url: address } = await announce({ filename, contentType: 'image/png', size: 10 });
      expect(new URL(address).pathname).toContain(id);
      expect(address).not.toMatch(/etc|passwd/);
    },
  );

  it('a file that was never sent, is of another kind, or was announced by another caller is refused', async () => {
    const never = await announce({ filename: 'a.png', contentType: 'image/png', size: 10 });
    const sound = await upload(Buffer.from('RIFF....WAVE'), 'audio/wav', 'a.wav');
    const others = await upload(pngOf(8, 8));
    const { admin, keys } = refusals.target.product;
    await admin.hset(keys.upload(others), 'caller', 'somebody else');
    const at = 'input.workflow.inpaint';
    for (const [id, code, message] of [
      [never.id, 'not_uploaded', /whose file has been put to its address/],
      [sound, 'wrong_type', /of kind (?:image|mask), got audio\/wav/],
      [others, 'not_found', /an upload that is there/],
    ] as const) {
      await refusals.expectRefused(run('inpaint', { mask: { upload: id } }), [[`${at}.mask.upload`, code, message]]);
      const twice = run('inpaint', { image: { upload: id }, mask: { upload: id } });
      await refusals.expectRefused(twice, [
        [`${at}.image.upload`, code, message],
        [`${at}.mask.upload`, code, message],
      ]);
    }
  });

  it('a file that was cut off, is too long, or comes twice is not taken at its address', async () => {
    const { id, url: address, headers } = await announce({ filename: 'a.png', contentType: 'image/png', size: 100 });
    for (const size of [99, 101, 0]) {
      const { status } = await fetch(address, { method: 'PUT', headers, body: new Uint8Array(size) });
      expect([400, 403, 411, 413]).toContain(status);
    }
    const type = { ...headers, 'content-type': 'text/html' };
    expect((await fetch(address, { method: 'PUT', headers: type, body: new Uint8Array(100) })).ok).toBe(false);
    expect(
      (await fetch(address.replace(/.$/, '!'), { method: 'PUT', headers, body: new Uint8Array(100) })).status,
    ).toBe(403);
    const issue: ExpectedIssue = ['input.workflow.upscale.image.upload', 'not_uploaded', /has been put/];
    await refusals.expectRefused(run('upscale', { image: { upload: id } }), [issue]);
  });

  it('has queued nothing of them, used no key, and serves on', () => refusals.expectNothingBegun());

  it('a fault in the bytes ends the job as INPUT_INVALID, and ComfyUI gets neither file nor prompt', async () => {
    const { gateway, product } = refusals.target;
    const simulator = onlySimulator(product);
    const whole = await testPicture(64, 64).png().toBuffer();
    const files: [name: string, bytes: Buffer][] = [
      ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')],
      ['SVG behind XML', Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')],
      ['HTML', Buffer.from('<!doctype html><script>alert(1)</script>')],
      ['an archive', Buffer.from('504b0304140000000000', 'hex')],
      ['a program', Buffer.from('7f454c4602010100000000000000000002003e00', 'hex')],
      ['nothing but zeros', Buffer.alloc(1_000)],
      ['a picture that is cut off', whole.subarray(0, whole.length - 20)],
      ['a picture of half its bytes', whole.subarray(0, whole.length / 2)],
      ['a picture with an archive behind it', Buffer.concat([whole, Buffer.from('504b0304', 'hex')])],
      ['a picture that unpacks to gigabytes', pngOf(16_000, 16_000)],
      ['a picture of 2^31 pixels a side', pngOf(2 ** 31 - 1, 2 ** 31 - 1)],
      ['a picture without width', pngOf(0, 64)],
      ['a signature alone', Buffer.from('89504e470d0a1a0a', 'hex')],
      ['sound', Buffer.concat([Buffer.from('RIFF$\0\0\0WAVEfmt ', 'latin1'), Buffer.alloc(28)])],
    ];
    const posts = simulator.posts;
    for (const [name, bytes] of files) {
      const upscale = { image: { upload: await upload(bytes) } };
      const { id } = await gateway.generate({ input: { workflow: { upscale } } });
      const { job } = await gateway.watch(id).end();
      expect({ name, code: job.error?.code, retryable: job.error?.retryable }).toEqual({
        name,
        code: 'INPUT_INVALID',
        retryable: false,
      });
      expect(job.error?.message).toMatch(/input (?:file|picture)/i);
    }
    expect(simulator.posts).toBe(posts);
    const good = { image: { upload: await upload(whole) } };
    const { id } = await gateway.generate({ input: { workflow: { upscale: good } } });
    await gateway.expectWhole((await gateway.watch(id).end()).job);
  });

  it('job, jobs, jobProgress, retryJob and url refuse arguments out of their range', async () => {
    const { target, expectIssues } = refusals;
    const { id } = await target.gateway.generate();
    await target.gateway.watch(id).end();
    const picture = (args: string) => `{ job(id: "${id}") { artifacts { ... on ImageArtifact { url(${args}) } } } }`;
    const retry = (key: string) =>
      `mutation { retryJob(id: "${id}", idempotencyKey: ${JSON.stringify(key)}) { replayed } }`;
    const rows: [document: string, ...issues: ExpectedIssue[]][] = [
      [`{ job(id: "${id}", waitSeconds: -1) { id } }`, ['waitSeconds', 'too_small', /0 to 60 seconds/]],
      [`{ job(id: "${id}", waitSeconds: 61) { id } }`, ['waitSeconds', 'too_big', /0 to 60 seconds/]],
      ['{ jobs(first: 0) { nodes { id } } }', ['first', 'out_of_range', /1 to 100/]],
      ['{ jobs(first: 101) { nodes { id } } }', ['first', 'out_of_range', /1 to 100/]],
      [picture('width: 15'), ['width', 'out_of_range', /16 to 4096 pixels, got 15/]],
      [picture('width: 4097'), ['width', 'out_of_range', /16 to 4096 pixels, got 4097/]],
      [picture('quality: 0'), ['quality', 'out_of_range', /1 to 100, got 0/]],
      [picture('format: WEBP, quality: 101'), ['quality', 'out_of_range', /1 to 100, got 101/]],
      [picture('format: PNG, quality: 5'), ['quality', 'not_applicable', /PNG has no quality/]],
      [picture('expiresIn: 0'), ['expiresIn', 'out_of_range', /1 to 604800/]],
      [picture('format: JPEG, expiresIn: 604801'), ['expiresIn', 'out_of_range', /1 to 604800/]],
      [
        picture('width: 1, quality: 0'),
        ['width', 'out_of_range', /16 to 4096/],
        ['quality', 'out_of_range', /1 to 100/],
      ],
      [picture('format: GIF'), ['format', 'not_a_choice', /expected one of .*WEBP/]],
      [retry(''), ['idempotencyKey', 'too_small', /1 to 255 characters/]],
      [retry('a'.repeat(256)), ['idempotencyKey', 'too_big', /at most 255/]],
      [retry('a\nb'), ['idempotencyKey', 'invalid_format', /printable/]],
    ];
    for (const [document, ...issues] of rows) expectIssues((await target.ask(document)).text, issues);
    for (const unknown of [randomUUID(), '../x', '', '\u0000', 'x'.repeat(10_000)]) {
      const document = 'mutation($id: ID!, $key: String!) { retryJob(id: $id, idempotencyKey: $key) { replayed } }';
      expect((await target.ask(document, { id: unknown, key: randomUUID() })).code).toBe('NOT_FOUND');
    }

    const { say, heard } = await target.dial();
    const subscriptions = [
      [`jobProgress(id: "${id}", afterSeq: -1)`, 'afterSeq', /0 or more/],
      ['jobsProgress(filter: { status: [NOPE] })', 'filter.status.0', /expected one of/],
      ['jobsProgress(filter: { createdAfter: "yesterday" })', 'filter.createdAfter', /RFC 3339/],
      ['jobsProgress(filter: { colour: "red" })', 'filter.colour', /unknown field/],
    ] as const;
    for (const [i, [field, path, message]] of subscriptions.entries()) {
      say({ id: `s${i}`, type: 'subscribe', payload: { query: `subscription { ${field} { seq } }` } });
      const told = await heard((each) => each.id === `s${i}`);
      const issues = [
        { path: path.split('.').map((part) => (part === '0' ? 0 : part)), message: expect.stringMatching(message) },
      ];
      const error = { extensions: { code: 'BAD_USER_INPUT', issues } };
      // As graphql-ws does: what the document says is an `error`, what its resolver says a result with errors.
      expect(told.type === 'next' ? told.payload : { errors: told.payload }).toMatchObject({ errors: [error] });
    }
  });
});
