import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { onFreePort } from '../support/free-port.ts';
import { call, ended, node, plainImage, submit, textToImage, uploadImage, viewPath } from './client.ts';

let simulator: Simulator;
let url: string;
beforeEach(async () => {
  simulator = await startSimulator({ speed: Number.POSITIVE_INFINITY });
  url = simulator.url;
});
afterEach(() => simulator.close());

/** fetch sets Host and forbids Origin; this does not. */
function rawStatus(path: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url + path, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('routes', () => {
  test('exist with and without /api, except jobs, and refuse what they do not know', async () => {
    const status = async (method: string, path: string) =>
      (await call(url, method, path, method === 'GET' ? undefined : {})).status;
    for (const path of ['/queue', '/history', '/prompt', '/object_info/KSampler', '/system_stats', '/features']) {
      expect([path, await status('GET', path), await status('GET', `/api${path}`)]).toEqual([path, 200, 200]);
    }
    expect(await status('GET', '/api/jobs')).toBe(200);
    expect(await status('GET', '/jobs')).toBe(404);
    expect(await status('GET', '/interrupt')).toBe(404);
    expect(await status('POST', '/nowhere')).toBe(405);
    expect(await status('DELETE', '/queue')).toBe(405);
    expect((await fetch(`${url}/queue`, { method: 'HEAD' })).status).toBe(200);
  });

  test('refuse pages of other origins, and only those', async () => {
    const port = String(simulator.port);
    expect(await rawStatus('/queue', { 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await rawStatus('/queue', { origin: 'http://evil.example' })).toBe(403);
    expect(await rawStatus('/queue', { origin: `http://localhost:${port}` })).toBe(403);
    expect(await rawStatus('/queue', { origin: `http://127.0.0.1:${port}` })).toBe(200);
    expect(await rawStatus('/queue', { origin: 'http://127.0.0.1' })).toBe(200);
    expect(await rawStatus('/queue', { origin: 'null' })).toBe(200);
    expect(await rawStatus('/queue', { host: 'gpu.example', origin: 'http://evil.example' })).toBe(200);
    expect(await rawStatus('/anything', {}, 'OPTIONS')).toBe(200);
  });

  test('answer broken JSON with 500, but /interrupt takes it for nothing', async () => {
    for (const path of ['/prompt', '/queue', '/history', '/free']) {
      expect((await call(url, 'POST', path, '{')).text).toContain('Server got itself in trouble');
    }
    expect((await call(url, 'POST', '/interrupt', '')).status).toBe(200);
    expect((await call(url, 'POST', '/interrupt', '[]')).status).toBe(500);
  });
});

describe('POST /prompt', () => {
  test('counts refused prompts, too, and takes front and number as they are', async () => {
    const graph = plainImage(1);
    const number = async (more: object) => (await call(url, 'POST', '/prompt', { prompt: graph, ...more })).json.number;
    expect(await number({})).toBe(0);
    expect((await call(url, 'POST', '/prompt', {})).json.error.type).toBe('no_prompt');
    expect((await call(url, 'POST', '/prompt', { prompt: {} })).json.error.type).toBe('prompt_no_outputs');
    expect(await number({ front: true })).toBe(-3);
    expect(await number({ number: 0.5 })).toBe(0.5);
    expect(await number({})).toBe(4);
  });

  test.for([
    ['an id that is no canonical uuid', { prompt: plainImage(1), prompt_id: randomUUID().toUpperCase() }, 400],
    ['a prompt that is no object', { prompt: null }, 500],
    ['a node that is no object', { prompt: { '1': 'x' } }, 500],
    ['extra_data null', { prompt: plainImage(1), extra_data: null }, 500],
    ['a number that is none', { prompt: plainImage(1), number: 'soon' }, 500],
    ['a list as body', [], 400],
  ] as const)('refuses %s', async ([, body, status]) => {
    expect((await call(url, 'POST', '/prompt', body)).status).toBe(status);
    expect(simulator.posts).toBe(0);
  });

  test('keeps a seed of 64 bits exact, hides secrets and runs only the wanted outputs', async () => {
    const graph = { ...textToImage(), '10': node('PreviewImage', { images: ['8', 0] }) };
    const text = JSON.stringify({
      prompt: graph,
      extra_data: { api_key_comfy_org: 'secret', note: 'kept' },
      partial_execution_targets: ['10'],
    }).replace('"seed":1', '"seed":18446744073709551615');
    const { json } = await call(url, 'POST', '/prompt', text);
    await ended(url, json.prompt_id);
    const history = (await call(url, 'GET', `/history/${json.prompt_id}`)).text;
    expect(history).toContain('"seed":18446744073709551615');
    expect(history).not.toContain('secret');
    const entry = JSON.parse(history)[json.prompt_id];
    expect(entry.prompt[3]).toMatchObject({ note: 'kept' });
    expect(Object.keys(entry.outputs)).toEqual(['10']);
  });

  test('converts literals as Python does and shows the converted ones', async () => {
    const graph = {
      '1': node('EmptyImage', { width: '17', height: 16.9, batch_size: true, color: 0 }),
      '2': node('PreviewImage', { images: ['1', 0] }),
    };
    const entry = await ended(url, await submit(url, graph));
    expect(entry.prompt[2]['1'].inputs).toEqual({ width: 17, height: 16, batch_size: 1, color: 0 });
  });

  test('two of the same number and id: 500, and both run', async () => {
    simulator.faults.set({ hold: true });
    await submit(url, plainImage(1));
    const prompt_id = randomUUID();
    const twin = { prompt: plainImage(2), prompt_id, number: 9 };
    expect((await call(url, 'POST', '/prompt', twin)).status).toBe(200);
    expect((await call(url, 'POST', '/prompt', twin)).status).toBe(500);
    expect((await call(url, 'GET', '/prompt')).json.exec_info.queue_remaining).toBe(3);
    simulator.faults.reset();
    await expect.poll(() => simulator.started.filter((id) => id === prompt_id).length).toBe(2);
  });
});

describe('deleting and cancelling', () => {
  test('does what the matrix of states says', async () => {
    simulator.faults.set({ hold: true });
    const running = await submit(url, plainImage(1));
    const [a, b, c] = [
      await submit(url, plainImage(2)),
      await submit(url, plainImage(3)),
      await submit(url, plainImage(4)),
    ];
    await expect.poll(() => simulator.started).toEqual([running]);

    await call(url, 'POST', '/queue', { delete: [running, a] });
    await call(url, 'POST', '/interrupt', { prompt_id: b });
    expect((await call(url, 'POST', `/api/jobs/${b}/cancel`)).json).toEqual({ cancelled: true });
    expect((await call(url, 'POST', `/api/jobs/${b}/cancel`)).json).toEqual({ cancelled: false });
    const queue = (await call(url, 'GET', '/queue')).json;
    expect(queue.queue_running.map((item: unknown[]) => item[1])).toEqual([running]);
    expect(queue.queue_pending.map((item: unknown[]) => item[1])).toEqual([c]);
    expect((await call(url, 'GET', `/api/jobs/${c}`)).json.status).toBe('pending');
    expect((await call(url, 'GET', `/api/jobs/${running}`)).json.status).toBe('in_progress');

    expect((await call(url, 'POST', '/api/jobs/cancel', { job_ids: [running, 'x'] })).json.invalid_ids).toEqual(['x']);
    expect((await call(url, 'POST', '/api/jobs/cancel', { job_ids: [running] })).json).toEqual({ cancelled: true });
    const entry = await ended(url, running);
    expect(entry.status).toMatchObject({ status_str: 'error', completed: false });
    expect((await call(url, 'GET', `/api/jobs/${running}`)).json.status).toBe('cancelled');
    expect((await call(url, 'GET', `/api/jobs/${a}`)).status).toBe(404);
    expect((await call(url, 'GET', `/history/${a}`)).json).toEqual({});

    simulator.faults.reset();
    await ended(url, c);
    expect((await call(url, 'POST', `/api/jobs/${c}/cancel`)).json).toEqual({ cancelled: false });
    const listed = (await call(url, 'GET', '/api/jobs?status=cancelled,completed&sort_order=asc')).json;
    expect(listed.jobs.map((job: { id: string }) => job.id)).toEqual([running, c]);
    expect((await call(url, 'GET', '/api/jobs?status=lost')).status).toBe(400);
    expect((await call(url, 'GET', '/api/jobs?limit=0')).status).toBe(400);
  });

  test('history pages, and forgets what it is told to', async () => {
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push(await submit(url, plainImage(i)));
    await ended(url, ids[3] ?? '');
    const listed = async (query: string) => Object.keys((await call(url, 'GET', `/history${query}`)).json);
    expect(await listed('')).toEqual(ids);
    expect(await listed('?max_items=2')).toEqual(ids.slice(2));
    expect(await listed('?max_items=2&offset=1')).toEqual(ids.slice(1, 3));
    expect(await listed('?max_items=0')).toEqual([]);
    expect((await call(url, 'GET', '/history?max_items=x')).status).toBe(500);
    await call(url, 'POST', '/history', { delete: [ids[0]] });
    expect(await listed('')).toEqual(ids.slice(1));
    await call(url, 'POST', '/history', { clear: true });
    expect(await listed('')).toEqual([]);
  });
});

describe('files', () => {
  test('an upload of the same name keeps the same bytes and renames others', async () => {
    const first = Buffer.from('one');
    expect((await uploadImage(url, 'a.png', first)).json).toEqual({ name: 'a.png', subfolder: '', type: 'input' });
    expect((await uploadImage(url, 'a.png', first)).json.name).toBe('a.png');
    expect((await uploadImage(url, 'a.png', Buffer.from('two'))).json.name).toBe('a (1).png');
    expect((await uploadImage(url, 'a.png', Buffer.from('three'), { overwrite: 'true' })).json.name).toBe('a.png');
    expect((await call(url, 'GET', '/view?filename=a.png&type=input')).text).toBe('three');
    expect((await call(url, 'GET', '/object_info/LoadImage')).json.LoadImage.input.required.image[0]).toEqual([
      'a (1).png',
      'a.png',
    ]);
    expect((await uploadImage(url, 'a.png', first, { subfolder: '../..' })).status).toBe(400);
    expect((await uploadImage(url, 'a.png', first, { type: 'elsewhere' })).status).toBe(500);
    expect((await fetch(`${url}/upload/image`, { method: 'POST', body: new FormData() })).status).toBe(400);
  });

  test('a mask upload puts its alpha onto the original, or stores nothing without one', async () => {
    const entry = await ended(url, await submit(url, plainImage(0xff0000, 'orig')));
    const file = entry.outputs['2'].images[0];
    const png = Buffer.from(await (await fetch(url + viewPath(file))).arrayBuffer());
    const send = async (name: string, reference: object) => {
      const form = new FormData();
      form.set('image', new Blob([new Uint8Array(png)]), name);
      form.set('original_ref', JSON.stringify(reference));
      return (await fetch(`${url}/upload/mask`, { method: 'POST', body: form })).status;
    };
    expect(await send('masked.png', file)).toBe(200);
    expect((await call(url, 'GET', '/view?filename=masked.png&type=input')).headers.get('content-type')).toBe(
      'image/png',
    );
    expect(await send('lost.png', { filename: 'nope.png' })).toBe(200);
    expect((await call(url, 'GET', '/view?filename=lost.png&type=input')).status).toBe(404);
  });

  test('/view keeps its rules', async () => {
    const entry = await ended(url, await submit(url, plainImage(7, 'deep/er/x')));
    const path = viewPath(entry.outputs['2'].images[0]);
    const whole = await fetch(url + path);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': 'filename="x_00001_.png"',
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
    });
    const bytes = Buffer.from(await whole.arrayBuffer());
    const part = await fetch(url + path, { headers: { range: 'bytes=4-9' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 4-9/${bytes.length}`]);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(4, 10));
    expect((await fetch(url + path, { headers: { range: 'bytes=999999-' } })).status).toBe(416);
    const status = async (query: string) => (await call(url, 'GET', `/view${query}`)).status;
    expect(await status('')).toBe(404);
    expect(await status('?filename=')).toBe(400);
    expect(await status('?filename=/etc/passwd')).toBe(400);
    expect(await status('?filename=..%2Fx')).toBe(400);
    expect(await status('?filename=x_00001_.png&type=other')).toBe(400);
    expect(await status('?filename=x_00001_.png&subfolder=../..')).toBe(403);
    expect(await status('?filename=deep/er/x_00001_.png')).toBe(404); // only the base name counts
    expect(await status('?filename=deep/er/x_00001_.png&subfolder=deep/er')).toBe(200);
    expect(await status('?filename=x_00001_.png%20%5Boutput%5D&subfolder=deep/er&type=temp')).toBe(200);

    await uploadImage(url, 'page.html', Buffer.from('<script>'));
    const page = await fetch(`${url}/view?filename=page.html&type=input`);
    expect(page.headers.get('content-type')).toBe('application/octet-stream');
    expect(page.headers.get('content-disposition')).toBe('attachment; filename="page.html"');
    expect((await fetch(`${url}/view?filename=page.html&type=input&preview=webp`)).status).toBe(500);
  });

  test('names count on in their directory, and begin again with %batch_num%', async () => {
    const name = async (prefix: string, colour: number) =>
      (await ended(url, await submit(url, plainImage(colour, prefix)))).outputs['2'].images[0].filename;
    expect(await name('n/a', 1)).toBe('a_00001_.png');
    expect(await name('n/a', 2)).toBe('a_00002_.png');
    expect(await name('n/b_%width%x%height%', 3)).toBe('b_32x24_00001_.png');
    expect(await name('n/c%batch_num%', 4)).toBe('c0_00001_.png');
    expect(await name('n/c%batch_num%', 5)).toBe('c0_00001_.png');
  });
});

test('a caller who goes away in the middle of a body is no bug of the simulator', async () => {
  const reported: unknown[] = [];
  await using own = await startSimulator({ report: (error) => reported.push(error) });
  const head = 'POST /prompt HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n';
  const socket = connect(own.port, '127.0.0.1');
  // The server says 100 when it has begun to read: from then on a handler waits for the rest.
  socket.write(`${head}expect: 100-continue\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  socket.write('{');
  socket.resetAndDestroy();
  await expect.poll(async () => (await call(own.url, 'GET', '/queue')).status).toBe(200);
  expect(reported).toEqual([]);
});

test('a restart forgets queue, history, files and the counter', async () => {
  await simulator.close();
  const start = (port: number) => startSimulator({ port, speed: Number.POSITIVE_INFINITY });
  simulator = await onFreePort(start);
  url = simulator.url;
  const id = await submit(url, plainImage(1));
  const file = (await ended(url, id)).outputs['2'].images[0];
  await simulator.close();
  simulator = await start(simulator.port);
  // The client may find the connection that it kept broken first.
  const history = () =>
    call(url, 'GET', '/history').then(
      ({ json }) => json,
      () => 'unreachable',
    );
  await expect.poll(history).toEqual({});
  expect((await call(url, 'GET', viewPath(file))).status).toBe(404);
  expect((await call(url, 'POST', '/prompt', { prompt: plainImage(1) })).json.number).toBe(0);
});
