import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { createComfyClient } from '../../../worker/comfyui/client.ts';
import { ComfyError, createComfyHttp } from '../../../worker/comfyui/http.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const { signal } = new AbortController();

/** A server of a few lines, and a client of it. `seen` are the requests that came, `METHOD path body`. */
async function serve(
  handle: (request: IncomingMessage, body: string) => { status?: number; body?: string } | null,
  path = '',
  credentials = '',
) {
  const seen: string[] = [];
  const listener: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    seen.push([request.method, request.url, body].filter(Boolean).join(' '));
    const answer = handle(request, body);
    if (!answer) return void request.socket.destroy();
    response.writeHead(answer.status ?? 200, answer.status === 302 ? { location: '/elsewhere' } : {});
    response.end(answer.body ?? '');
  };
  const server = createServer(listener).listen(0, '127.0.0.1');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const http = createComfyHttp(`http://${credentials}127.0.0.1:${port}${path}`);
  closers.push(() => http.close());
  return { http, client: createComfyClient(http), seen };
}

const failureOf = async (call: Promise<unknown>) => {
  const cause = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(cause instanceof ComfyError)) throw new Error('no ComfyError', { cause });
  expect(cause.message).not.toMatch(/127\.0\.0\.1|localhost/);
  return [cause.failure, cause.status];
};

describe('a call that fails', () => {
  test('is told apart by what the server may have seen of it', async () => {
    const gone = createComfyHttp('http://127.0.0.1:1');
    closers.push(() => gone.close());
    expect(await failureOf(gone.get('/x', 'queueLength'))).toEqual(['unreachable', null]);

    const { http } = await serve(({ url }) => (url === '/reset' ? null : { status: 503, body: '{}' }));
    expect(await failureOf(http.get('/reset', 'queueLength'))).toEqual(['reset', null]);
    expect(await failureOf(http.get('/status', 'queueLength'))).toEqual(['status', 503]);
    expect(await failureOf(http.post('/status', {}))).toEqual(['status', 503]);
  });

  test('by an answer that is no JSON, of another shape, or a redirect', async () => {
    const { http, seen } = await serve(({ url }) =>
      url === '/redirect' ? { status: 302 } : { body: url === '/broken' ? '{"a":' : '{"a": "text"}' },
    );
    expect(await failureOf(http.get('/broken', 'queueLength'))).toEqual(['invalid', 200]);
    expect(await failureOf(http.get('/shape', 'queueLength'))).toEqual(['invalid', 200]);
    expect(await failureOf(http.get('/redirect', 'queueLength'))).toEqual(['status', 302]);
    expect(seen).not.toContain('GET /elsewhere');
  });

  test('by a server that accepts and says nothing, in time', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    closers.push(() => {
      silent.closeAllConnections();
      silent.close();
    });
    await once(silent, 'listening');
    const address = silent.address();
    const http = createComfyHttp(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
    closers.push(() => http.close());
    expect(await failureOf(http.get('/x', 'queueLength', { timeoutMs: 50 }))).toEqual(['timeout', null]);
    const control = new AbortController();
    const call = http.get('/x', 'queueLength', { signal: control.signal });
    control.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
  });

  test('an address may have a path and credentials', async () => {
    let authorization: string | undefined;
    const { client, seen } = await serve(
      (request) => {
        authorization = request.headers.authorization;
        return { body: '{"exec_info":{"queue_remaining":3}}' };
      },
      '/comfy/',
      'me:p%40ss@',
    );
    expect(await client.queueLength()).toBe(3);
    expect(seen).toEqual(['GET /comfy/api/prompt']);
    expect(authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
  });
});

describe('servers before 0.6 have no jobs', () => {
  const entry = { outputs: {}, status: { status_str: 'success', completed: true, messages: [] } };
  const item = (id: string) => [0, id, {}, {}, []];
  const old = (queue: object, history: object | number) =>
    serve(({ url }) => {
      if (url === '/api/queue') return { body: JSON.stringify(queue) };
      if (url === '/api/history/p')
        return typeof history === 'number' ? { status: history } : { body: JSON.stringify(history) };
      return { status: 404, body: '404: Not Found' };
    });
  const idle = { queue_running: [], queue_pending: [] };

  test.each([
    ['pending', { ...idle, queue_pending: [item('x'), item('p')] }, {}],
    ['running', { ...idle, queue_running: [item('p')] }, {}],
    ['finished', idle, { p: entry }],
    ['absent', idle, {}],
    ['unreadable', idle, 500],
  ] as const)('%s is told by queue, then history', async (state, queue, history) => {
    const { client } = await old(queue, history);
    expect(await client.find('p')).toMatchObject({ state });
  });
});

test('a job that ComfyUI does not know is absent at once', async () => {
  const { client, seen } = await serve(() => ({ status: 404, body: '{"error": "Job not found"}' }));
  expect(await client.find('p')).toEqual({ state: 'absent' });
  expect(seen).toEqual(['GET /api/jobs/p']);
});

test('B13 the id of a prompt that runs is told to others, so it is no longer than an id may be', async () => {
  const long = 'x'.repeat(1_000_000);
  const jobs = JSON.stringify({ jobs: [{ id: long }] });
  const queue = JSON.stringify({ queue_running: [[0, long, {}, {}, []]], queue_pending: [] });
  for (const hasJobs of [true, false]) {
    const { client } = await serve(({ url }) =>
      url === '/api/queue' ? { body: queue } : hasJobs ? { body: jobs } : { status: 404 },
    );
    expect((await client.queueHead()).running).toBe('x'.repeat(255));
  }
});

test('B13 an answer about another prompt is none', async () => {
  const messages = [['execution_success', { prompt_id: 'another' }]];
  for (const lie of [{ prompt: [0, 'another', {}, {}, []] }, { status: { messages } }]) {
    const { client } = await serve(({ method, url }) => {
      if (method === 'POST') return { body: '{"prompt_id":"another","number":1,"node_errors":{}}' };
      if (url?.startsWith('/api/jobs/')) return { body: '{"id":"another","status":"pending"}' };
      return { body: JSON.stringify({ p: { outputs: {}, ...lie } }) };
    });
    const prompt = {
      promptId: 'p',
      clientId: 'c',
      graph: {},
      previewMethod: 'none',
      editorWorkflow: null,
      apiKey: null,
    };
    for (const call of [client.submit(prompt, signal), client.find('p'), client.history('p')]) {
      expect(await failureOf(call)).toEqual(['invalid', 200]);
    }
  }
});

test('cancel falls back to deleting and interrupting, by id, before 0.26', async () => {
  const { client, seen } = await serve(({ url }) => ({ status: url?.endsWith('/cancel') ? 405 : 200 }));
  await client.cancel('p', signal);
  expect(seen).toEqual([
    'POST /api/jobs/p/cancel {}',
    'POST /api/queue {"delete":["p"]}',
    'POST /api/interrupt {"prompt_id":"p"}',
  ]);
});

test('a POST that is refused is told from one that is not answered', async () => {
  const prompt = { promptId: 'p', clientId: 'c', graph: {}, previewMethod: 'none', editorWorkflow: null, apiKey: null };
  const answer = (status: number, body = '') =>
    serve(() => ({ status, body })).then(({ client }) => client.submit(prompt, signal));
  const refusal = {
    error: { type: 'prompt_no_outputs', message: 'Prompt has no outputs', details: '', extra_info: {} },
  };
  expect(await answer(200, '{"prompt_id":"p","number":1,"node_errors":{}}')).toEqual({ outcome: 'accepted' });
  expect(await answer(400, JSON.stringify(refusal))).toMatchObject({ outcome: 'rejected' });
  expect(await answer(413, 'too large')).toMatchObject({ outcome: 'rejected' });
  expect(await failureOf(answer(500))).toEqual(['status', 500]);
  expect(await failureOf(answer(400, 'a proxy says no'))).toEqual(['status', 400]);
  expect(await failureOf(answer(200, 'garbage'))).toEqual(['invalid', 200]);
});

test.each([
  ['tells', { body: '{"Old":[{"new_node_id":"New","input_mapping":[{"new_id":"a","old_id":"b"}]}]}' }, ['Old']],
  ['has no such endpoint', { status: 404, body: '404: Not Found' }, []],
  ['has a page in its place', { body: '<!doctype html>' }, []],
])('a server that %s replaces these classes', async (_what, answer, names) => {
  const { client, seen } = await serve(() => answer);
  expect([...(await client.nodeReplacements()).keys()]).toEqual(names);
  expect(seen).toEqual(['GET /api/node_replacements']);
});

test('lists are what the version of the server checks, also when it was updated', async () => {
  let version = '0.7.0';
  const { client } = await serve(({ url }) => {
    const stats = { system: { comfyui_version: version }, devices: [] };
    const classes = { Load: { input: { required: { tags: ['COMBO', { options: ['x'] }] } }, output_node: true } };
    return { body: JSON.stringify(url === '/api/system_stats' ? stats : classes) };
  });
  const spec = async () => {
    await client.systemStats();
    return (await client.objectInfo(null)).get('Load')?.inputs.get('tags')?.spec;
  };
  expect(await spec()).toEqual({ kind: 'COMBO', options: ['x'], unchecked: true });
  version = '0.8.0';
  expect(await spec()).toEqual({ kind: 'COMBO', options: ['x'] });
});
