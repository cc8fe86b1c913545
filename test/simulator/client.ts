import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** What a test looks at in any JSON of the server. */
// biome-ignore lint/suspicious/noExplicitAny: tests read ComfyUI's JSON field by field; `unknown` needs 197 checks
export type Loose = any;

export interface Message {
  type: string;
  data: Loose;
}

export interface TestSocket {
  /** JSON messages and binary frames, in order of arrival. */
  messages: Array<Message | Buffer>;
  socket: WebSocket;
  /** The first JSON message, past or future, that fits. @throws after 10 s */
  until(fits: (message: Message) => boolean): Promise<Message>;
  json(type?: string): Message[];
  frames(): Buffer[];
  close(): Promise<void>;
}

/** Connects and awaits the first `status`, unless told that none will come. */
export async function connect(url: string, clientId: string, first?: unknown, awaitStatus = true): Promise<TestSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?clientId=${clientId}`);
  const messages: Array<Message | Buffer> = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data: Buffer, binary) => {
    messages.push(binary ? data : (JSON.parse(data.toString()) as Message));
    for (const check of waiting) check();
  });
  await once(socket, 'open');
  const until = (fits: (message: Message) => boolean): Promise<Message> =>
    new Promise((resolve, reject) => {
      const seen = () => messages.map((message) => (Buffer.isBuffer(message) ? 'binary' : message.type)).join(' ');
      const timer = setTimeout(() => reject(new Error(`no such message among: ${seen()}`)), 10_000);
      const check = (): void => {
        const found = messages.find((message): message is Message => !Buffer.isBuffer(message) && fits(message));
        if (!found) return;
        clearTimeout(timer);
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });
  if (first !== undefined) socket.send(JSON.stringify(first));
  if (awaitStatus) await until((message) => message.type === 'status');
  return {
    messages,
    socket,
    until,
    json: (type) =>
      messages.filter((m): m is Message => !Buffer.isBuffer(m) && (type === undefined || m.type === type)),
    frames: () => messages.filter((m) => Buffer.isBuffer(m)),
    async close() {
      socket.close();
      if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
    },
  };
}

export async function call(url: string, method: string, path: string, body?: unknown) {
  const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  const response = await fetch(url + path, { method, ...sent });
  const text = await response.text();
  let json: Loose = null;
  try {
    json = text === '' ? null : JSON.parse(text);
  } catch {
    json = null;
  }
  return { status: response.status, headers: response.headers, text, json };
}

export async function submit(url: string, prompt: unknown, more: Record<string, unknown> = {}): Promise<string> {
  const promptId = randomUUID();
  const { status, text } = await call(url, 'POST', '/prompt', { prompt, prompt_id: promptId, ...more });
  if (status !== 200) throw new Error(`POST /prompt: ${status} ${text}`);
  return promptId;
}

/** Polls until the prompt is in history. @throws after 20 s */
export async function ended(url: string, promptId: string): Promise<Loose> {
  for (let tries = 0; tries < 2000; tries++) {
    const { json } = await call(url, 'GET', `/history/${promptId}`);
    if (json?.[promptId]) return json[promptId];
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`prompt ${promptId} has not ended`);
}

export const over = (promptId: string) => (message: Message) =>
  message.type === 'executing' && message.data.node === null && message.data.prompt_id === promptId;

export function node(class_type: string, inputs: Record<string, unknown>) {
  return { class_type, inputs };
}

/** The stock text-to-image graph. */
export function textToImage(
  over: { seed?: number; text?: string; steps?: number; size?: number; prefix?: string } = {},
) {
  const { seed = 1, text = 'a lighthouse at dusk', steps = 4, size = 64, prefix = 'test/t2i' } = over;
  return {
    '3': node('KSampler', {
      seed,
      steps,
      cfg: 7,
      sampler_name: 'euler',
      scheduler: 'normal',
      denoise: 1,
      model: ['4', 0],
      positive: ['6', 0],
      negative: ['7', 0],
      latent_image: ['5', 0],
    }),
    '4': node('CheckpointLoaderSimple', { ckpt_name: 'v1-5-pruned-emaonly.safetensors' }),
    '5': node('EmptyLatentImage', { width: size, height: size, batch_size: 1 }),
    '6': node('CLIPTextEncode', { text, clip: ['4', 1] }),
    '7': node('CLIPTextEncode', { text: 'blurry', clip: ['4', 1] }),
    '8': node('VAEDecode', { samples: ['3', 0], vae: ['4', 2] }),
    '9': node('SaveImage', { filename_prefix: prefix, images: ['8', 0] }),
  };
}

/** One colour, saved. */
export function plainImage(colour: number, prefix = 'test/plain') {
  return {
    '1': node('EmptyImage', { width: 32, height: 24, batch_size: 1, color: colour }),
    '2': node('SaveImage', { images: ['1', 0], filename_prefix: prefix }),
  };
}

export function viewPath(file: { filename: string; subfolder: string; type: string }): string {
  return `/view?${new URLSearchParams(file)}`;
}

export async function uploadImage(url: string, name: string, bytes: Buffer, fields: Record<string, string> = {}) {
  const form = new FormData();
  form.set('image', new Blob([new Uint8Array(bytes)]), name);
  for (const [key, value] of Object.entries(fields)) form.set(key, value);
  const response = await fetch(`${url}/upload/image`, { method: 'POST', body: form });
  return { status: response.status, json: response.status === 200 ? await response.json() : null } as {
    status: number;
    json: Loose;
  };
}
