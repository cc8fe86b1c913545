import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type ComfyOptions, createComfy, type Job } from '../../../client/src/comfy.ts';

/** One operation as the client sent it. */
interface Sent {
  name: string;
  variables: { [name: string]: unknown; input?: { [name: string]: unknown } };
  headers: Headers;
}

const job = (id: string): Job => ({ id, status: 'SUCCEEDED', seq: 3, artifacts: [], progress: {} }) as unknown as Job;

const answers: { [operation: string]: (sent: Sent) => unknown } = {
  Generate: () => ({ generate: { job: job('1') } }),
  CreateUpload: ({ variables: { input } }) => ({
    createUpload: { id: `upload of ${input?.size}`, method: 'PUT', url: 'http://files/1', headers: {} },
  }),
  Cancel: ({ variables: { id } }) => ({ cancelJob: { ...job(String(id)), status: 'CANCELED' } }),
};

/** A gateway whose jobs have ended when they are accepted. `answer` replaces what it says to some operations. */
function openGateway(answer: (sent: Sent) => Response | Promise<Response> | undefined = () => undefined) {
  const sent: Sent[] = [];
  const files: RequestInit[] = [];
  const fetch = async (to: unknown, init?: RequestInit): Promise<Response> => {
    if (init?.method === 'PUT') files.push(init);
    if (init?.method !== 'POST') return new Response();
    expect(to).toBe('http://gateway/graphql');
    const { query, variables } = JSON.parse(String(init.body));
    const [, name = ''] = /^(?:query|mutation) (\w+)/.exec(query) ?? [];
    const one = { name, variables, headers: new Headers(init.headers) };
    sent.push(one);
    return (await answer(one)) ?? Response.json({ data: answers[name]?.(one) });
  };
  function open(options: Partial<ComfyOptions> = {}) {
    const timeouts = { firstWait: 1, maxWait: 1 };
    const comfy = createComfy({ url: 'http://gateway', fetch: fetch as typeof globalThis.fetch, timeouts, ...options });
    onTestFinished(() => comfy.close());
    return comfy;
  }
  const inputs = () => sent.filter(({ name }) => name === 'Generate').map(({ variables }) => variables.input);
  return { open, sent, files, inputs, keys: () => inputs().map((input) => input?.idempotencyKey) };
}

const refusal = (code: string, more: object = {}) =>
  Response.json({ data: null, errors: [{ message: 'why', extensions: { code, ...more } }] });
const never = () => new Promise<Response>(() => undefined);

/** As a browser's, of a page and of what is loaded after it. */
function openStorage() {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (name: string) => items.get(name) ?? null,
    setItem: (name: string, value: string) => void items.set(name, value),
    removeItem: (name: string) => void items.delete(name),
  };
}

test('each workflow is a function, the same one each time, and what is none is not', () => {
  const comfy = openGateway().open();
  expect(comfy.textToImage).toBeTypeOf('function');
  expect(comfy.textToImage).toBe(comfy.textToImage);
  expect(comfy.then).toBeUndefined();
  expect(Reflect.get(comfy, Symbol.toStringTag)).toBeUndefined();
});

test.each(['http://gateway', 'http://gateway/', 'http://gateway/graphql', 'http://gateway/graphql/'])(
  'a gateway may be given as %s',
  (url) => {
    expect(openGateway().open({ url }).url).toBe('http://gateway/graphql');
  },
);

test('a call without an answer is sent again with its key, over a lost answer and a gateway that is away', async () => {
  let calls = 0;
  const gateway = openGateway(() => {
    calls++;
    if (calls === 1) throw new TypeError('lost');
    return calls === 2 ? new Response(null, { status: 503 }) : undefined;
  });
  const comfy = gateway.open();
  const states: string[] = [];
  comfy.onState(() => states.push(comfy.state()));
  const { job } = await comfy.run('textToImage', { prompt: 'a boat' });
  expect(job.id).toBe('1');
  expect(gateway.keys()).toHaveLength(3);
  expect(new Set(gateway.keys()).size).toBe(1);
  expect(states).toEqual(['lost', 'online']);
});

test('a call that is refused although the gateway is there fails', async () => {
  const comfy = openGateway(() => {
    throw new TypeError('refused by the browser');
  }).open();
  await expect(comfy.health()).rejects.toThrow('refused by the browser');
});

test('every call has a key of its own, or that of its caller', async () => {
  const gateway = openGateway();
  const comfy = gateway.open();
  await comfy.run('textToImage', { prompt: 'a boat' });
  await comfy.run('textToImage', { prompt: 'a boat' });
  await comfy.run('textToImage', { prompt: 'a boat' }, { key: 'mine' });
  const [first, second, third] = gateway.keys();
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect(second).not.toBe(first);
  expect(third).toBe('mine');
});

test('after a reload the same call has the same key and the same files', async () => {
  const storage = openStorage();
  const before = openGateway(({ name }) => (name === 'Generate' ? never() : undefined));
  const input = () => ({ prompt: 'a boat', image: new File(['boat'], 'boat.png'), mask: new Blob(['white']) });
  const cutOff = before.open({ storage });
  void cutOff.run('inpaint', input()).catch(() => undefined);
  await vi.waitFor(() => expect(before.inputs()).toHaveLength(1));

  const after = openGateway();
  await after.open({ storage }).run('inpaint', input());
  expect(after.inputs()).toEqual(before.inputs());
  expect(after.files).toEqual([]);
  expect(storage.items.size).toBe(0);
});

test('another input, other files and other tags are other calls', async () => {
  const storage = openStorage();
  const gateway = openGateway(({ name }) => (name === 'Generate' ? never() : undefined));
  const call = (image: Blob, tags?: string[]) =>
    void gateway
      .open({ storage })
      .run('imageToImage', { image }, { tags })
      .catch(() => undefined);
  call(new Blob(['boat']));
  await vi.waitFor(() => expect(gateway.keys()).toHaveLength(1));
  call(new Blob(['coat']));
  await vi.waitFor(() => expect(gateway.keys()).toHaveLength(2));
  call(new Blob(['boat']), ['tag']);
  await vi.waitFor(() => expect(gateway.keys()).toHaveLength(3));
  expect(new Set(gateway.keys()).size).toBe(3);
});

test('two calls with the same input are two jobs, and find their own keys again', async () => {
  const storage = openStorage();
  const begin = (gateway: ReturnType<typeof openGateway>) => {
    const comfy = gateway.open({ storage });
    return Promise.all([
      comfy.run('textToImage', { prompt: 'a boat' }),
      comfy.run('textToImage', { prompt: 'a boat' }),
    ]);
  };
  const before = openGateway(never);
  void begin(before).catch(() => undefined);
  await vi.waitFor(() => expect(new Set(before.keys()).size).toBe(2));
  const after = openGateway();
  await begin(after);
  expect(after.keys().sort()).toEqual(before.keys().sort());
  expect(storage.items.size).toBe(0);
});

test('what the gateway has refused is over, and what got no answer goes on', async () => {
  const storage = openStorage();
  const refused = openGateway(() => refusal('QUOTA_EXCEEDED')).open({ storage });
  await expect(refused.run('textToImage', { prompt: 'a boat' })).rejects.toMatchObject({ name: 'QuotaExceeded' });
  expect(storage.items.size).toBe(0);
  const gateway = openGateway(() => {
    throw new TypeError('lost');
  });
  const unanswered = gateway.open({ storage });
  for (let time = 0; time < 2; time++)
    await expect(unanswered.run('textToImage', { prompt: 'a boat' })).rejects.toThrow('lost');
  expect(storage.items.size).toBe(1);
  // Sent again and again, as one and the same.
  expect(new Set(gateway.keys()).size).toBe(1);
});

test('a key is forgotten when the gateway has forgotten it', async () => {
  const storage = openStorage();
  const call = async () => {
    const gateway = openGateway(never);
    void gateway
      .open({ storage })
      .run('textToImage', {})
      .catch(() => undefined);
    await vi.waitFor(() => expect(gateway.keys()).toHaveLength(1));
    return gateway.keys()[0];
  };
  const ago = (ms: number) => {
    const [kept] = JSON.parse(storage.getItem('comfygate') ?? '');
    storage.setItem('comfygate', JSON.stringify([{ ...kept, begunAt: Date.now() - ms }]));
  };
  const day = 24 * 3_600_000;
  const first = await call();
  ago(day / 2);
  expect(await call()).toBe(first);
  ago(day);
  expect(await call()).not.toBe(first);
});

test('what is kept of calls is bounded, and what somebody else has written is none', async () => {
  const storage = openStorage();
  const young = Array.from({ length: 150 }, (_, i) => ({ key: `young ${i}`, digest: 'x', begunAt: Date.now() }));
  for (const text of [JSON.stringify(young), 'somebody else']) {
    storage.setItem('comfygate', text);
    const gateway = openGateway(never);
    void gateway
      .open({ storage })
      .run('textToImage', {})
      .catch(() => undefined);
    await vi.waitFor(() => expect(gateway.keys()).toHaveLength(1));
    const kept = JSON.parse(storage.getItem('comfygate') ?? '');
    expect(kept.length).toBe(text === 'somebody else' ? 1 : 100);
    expect(kept.at(-1)).toMatchObject({ key: gateway.keys()[0] });
  }
});

test('a file that is there twice is sent once, without the token, under its name', async () => {
  const gateway = openGateway();
  const file = new File(['boat'], 'boat.png', { type: 'image/png' });
  await gateway.open({ token: () => 'secret' }).run('custom', { graph: {}, files: [{ file }, { file }] });
  const [upload, generate] = gateway.sent;
  expect(upload?.variables.input).toEqual({ filename: 'boat.png', contentType: 'image/png', size: 4 });
  expect(upload?.headers.get('authorization')).toBe('Bearer secret');
  const id = { upload: 'upload of 4' };
  expect(generate?.variables.input?.workflow).toEqual({ custom: { graph: {}, files: [{ file: id }, { file: id }] } });
  expect(gateway.files).toHaveLength(1);
  expect(new Headers(gateway.files[0]?.headers).has('authorization')).toBe(false);
});

test('a file that is refused is a fault of its field', async () => {
  const issues = [{ path: ['input', 'size'], code: 'too_big', message: 'too large' }];
  const comfy = openGateway(({ name }) =>
    name === 'CreateUpload' ? refusal('BAD_USER_INPUT', { issues }) : undefined,
  ).open();
  const images = ['https://example.com/a.png', new Blob(['boat'])];
  const refused = comfy.run('blend', { images });
  await expect(refused).rejects.toMatchObject({ name: 'BadUserInput', fields: { 'images.1': 'too large' } });
  await expect(refused).rejects.toThrow('images.1: too large');
});

test('aborted while it is being accepted, a job is canceled as soon as it is known', async () => {
  let accept = (_: Response) => {};
  const gateway = openGateway(({ name }) =>
    name === 'Generate' ? new Promise<Response>((resolve) => (accept = resolve)) : undefined,
  );
  const abort = new AbortController();
  const drawn = gateway.open().run('textToImage', { prompt: 'a boat' }, { signal: abort.signal });
  const settled = vi.fn();
  drawn.catch(settled);
  await vi.waitFor(() => expect(gateway.keys()).toHaveLength(1));
  abort.abort(new Error('enough'));
  await delay(0);
  expect(settled).not.toHaveBeenCalled();
  accept(Response.json({ data: { generate: { job: job('7') } } }));
  await expect(drawn).rejects.toThrow('enough');
  expect(gateway.sent.at(-1)).toMatchObject({ name: 'Cancel', variables: { id: '7' } });
});

test('an answer of something else than a gateway is told as what it is', async () => {
  const comfy = openGateway(() => new Response('<h1>Not here</h1>', { status: 404 })).open();
  await expect(comfy.health()).rejects.toThrow(
    'expected an answer of a gateway from http://gateway/graphql, got 404 <h1>Not here</h1>',
  );
});

test('a runtime without WebSocket calls, and is told what it lacks when it watches', async () => {
  vi.stubGlobal('WebSocket', undefined);
  onTestFinished(() => void vi.unstubAllGlobals());
  const comfy = openGateway().open();
  await comfy.run('textToImage', { prompt: 'a boat' });
  const watching = async () => {
    for await (const _ of comfy.watchAll());
  };
  await expect(watching()).rejects.toThrow('this runtime has no WebSocket');
});
