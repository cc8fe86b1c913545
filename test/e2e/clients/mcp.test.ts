import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { keyHeaders } from '../../support/api-keys.ts';
import { disposals } from '../../support/disposals.ts';
import { testPicture } from '../../support/pictures.ts';
import { tempFolder } from '../../support/process.ts';
import { eventually, type Gateway, onlySimulator, openProduct, type Product } from '../../support/product.ts';

const SHIPPED_FOLDER = new URL('../../../workflows/', import.meta.url).pathname;
const SHIPPED = ['imageToImage', 'inpaint', 'textToAudio', 'textToImage', 'textToVideo', 'upscale'];
const graphFile = new URL('../../comfyui/recorded/workflows/30_text_to_image.json', import.meta.url);

/** What an agent reads of a tool: nothing that it does not say is known to the test. */
const propertySchema = z.looseObject({
  type: z.string(),
  description: z.string(),
  minimum: z.number().optional(),
  multipleOf: z.number().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
});
const toolSchema = z.object({
  name: z.string(),
  inputSchema: z.object({
    properties: z.record(z.string(), propertySchema),
    required: z.array(z.string()).default([]),
  }),
});
type Tool = z.infer<typeof toolSchema>;

interface Given {
  picture: string;
  artifact?: string;
}

/** Fills what is required by its type alone, and makes it cheap where the limits let it. */
function filled(
  { inputSchema: { properties, required } }: Tool,
  { picture, artifact }: Given,
): { [name: string]: unknown } {
  const cheap = { width: 64, height: 64, steps: 2, length: 5, seconds: 1 };
  const chosen = Object.entries(cheap).filter(([name]) => name in properties);
  const values = required.map((name): [string, unknown] => {
    const property = properties[name];
    if (property?.type === 'string') return [name, 'a lighthouse at dusk'];
    if (property?.properties && 'data' in property.properties) {
      // A result of an earlier call where it can be one, and a file of its own where it is to be a mask.
      return [name, artifact !== undefined && !/mask/i.test(property.description) ? { artifact } : { data: picture }];
    }
    throw new Error(`no agent knows what to give for ${name}: ${JSON.stringify(property)}`);
  });
  return Object.fromEntries([...chosen, ...values]);
}

interface Content {
  type: string;
  text?: string;
  uri?: string;
  mimeType?: string;
  data?: string;
  size?: number;
}

interface Connecting {
  url?: string;
  headers?: Record<string, string>;
  onTools?: () => void;
}

const contentOf = (result: unknown) =>
  z.object({ content: z.array(z.looseObject({ type: z.string() })) }).parse(result).content as Content[];
const textOf = (result: unknown) => contentOf(result)[0]?.text ?? '';
const jobIn = (text: string) => /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(text)?.[0] ?? '';

describe('agents, by the Model Context Protocol', { timeout: 120_000 }, () => {
  const suite = disposals();
  let product: Product;
  let gateway: Gateway;
  let picture: string;

  beforeAll(async () => {
    const folder = await tempFolder();
    suite.onTestFinished(folder.remove);
    const dir = join(folder.path, 'workflows');
    await cp(SHIPPED_FOLDER, dir, { recursive: true });
    product = await openProduct(suite, { speed: 20, env: { WORKFLOWS_DIR: dir } });
    [gateway] = await Promise.all([product.gateway(), product.worker()]);
    picture = (await testPicture(96, 64).png().toBuffer()).toString('base64');
    const known = z.object({ workflow: z.object({ backends: z.array(z.unknown()) }) });
    const query = '{ workflow(name: "textToImage") { backends { backend } } }';
    await eventually(async () => (await gateway.ask(known, query)).workflow.backends.length > 0, 'servers are known');
  }, 240_000);

  async function connect(
    mode: 'legacy' | 'auto',
    { url = gateway.url, headers = {}, onTools = () => undefined }: Connecting = {},
  ) {
    const client = new Client(
      { name: 'agent', version: '1' },
      { versionNegotiation: { mode }, listChanged: { tools: { onChanged: onTools, debounceMs: 0 } } },
    );
    await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }));
    suite.onTestFinished(() => client.close());
    return client;
  }
  const toolsOf = async (client: Client) => z.array(toolSchema).parse((await client.listTools()).tools);

  it.each(['legacy', 'auto'] as const)(
    'find, fill and run each workflow that is shipped, with nothing but the address (%s)',
    async (mode) => {
      const client = await connect(mode);
      const tools = await toolsOf(client);
      const workflows = tools.filter(({ name }) => !['job', 'cancel_job', 'create_upload'].includes(name));
      expect(workflows.map(({ name }) => name)).toEqual(expect.arrayContaining(SHIPPED));
      let artifact: string | undefined;
      for (const tool of workflows.toSorted(
        (a, b) => Number(b.name === 'textToImage') - Number(a.name === 'textToImage'),
      )) {
        const progress: number[] = [];
        const result = await client.callTool(
          {
            name: tool.name,
            arguments: { ...filled(tool, { picture, ...(artifact !== undefined && { artifact }) }), waitSeconds: 60 },
          },
          { onprogress: (told) => progress.push(told.progress), timeout: 100_000 },
        );
        expect(result.isError, `${tool.name}: ${textOf(result)}`).toBeFalsy();
        expect(textOf(result)).toMatch(/^SUCCEEDED: /);
        expect(progress).toEqual([...new Set(progress)].toSorted((a, b) => a - b));
        expect(progress.length).toBeGreaterThan(0);
        const links = contentOf(result).filter(({ type }) => type === 'resource_link');
        expect(links.length).toBeGreaterThan(0);
        for (const { uri = '', size } of links) expect((await (await fetch(uri)).arrayBuffer()).byteLength).toBe(size);
        const images = contentOf(result).filter(({ type }) => type === 'image');
        const makesPictures = links.some(({ mimeType }) => mimeType?.startsWith('image/'));
        expect(
          images.map(({ mimeType }) => mimeType),
          tool.name,
        ).toEqual(makesPictures ? ['image/webp'] : []);
        for (const { data = '' } of images) expect(Buffer.from(data, 'base64').subarray(8, 12).toString()).toBe('WEBP');
        if (tool.name === 'textToImage') artifact = /image (\S+):/.exec(textOf(result))?.[1];
      }
      expect(artifact).toBeDefined();
    },
  );

  it('offer the limits, choices and defaults of a workflow, and the models that servers have', async () => {
    const tool = (await toolsOf(await connect('auto'))).find(({ name }) => name === 'textToImage');
    const { prompt, width, sampler, model, seed } = tool?.inputSchema.properties ?? {};
    expect(tool?.inputSchema.required).toEqual(['prompt']);
    expect(prompt).toMatchObject({ type: 'string', minLength: 1, maxLength: 5_000 });
    expect(width).toMatchObject({ type: 'integer', minimum: 64, multipleOf: 8, default: 512 });
    expect(sampler).toMatchObject({ type: 'string', default: 'EULER', enum: expect.arrayContaining(['DPMPP_2M']) });
    expect(model).toMatchObject({ enum: expect.arrayContaining(['sd_xl_base_1.0.safetensors']) });
    expect(seed).toMatchObject({ type: 'integer', maximum: Number.MAX_SAFE_INTEGER });
  });

  it('are told in words what is wrong with an input, and why a job has failed', async () => {
    const client = await connect('auto');
    const refused = await client.callTool({ name: 'textToImage', arguments: { steps: 100_000, stepz: 1 } });
    expect(refused.isError).toBe(true);
    for (const line of ['- steps: ', '- prompt: ', '- stepz: ']) expect(textOf(refused)).toContain(line);
    onlySimulator(product).faults.set({ nodeError: { message: 'too small' } });
    try {
      const failed = await client.callTool({
        name: 'textToImage',
        arguments: { prompt: 'x', steps: 2, width: 64, height: 64 },
      });
      expect(failed.isError).toBe(true);
      expect(textOf(failed)).toMatch(/^FAILED: [A-Z_]+: /);
    } finally {
      onlySimulator(product).faults.reset();
    }
    await expect(client.callTool({ name: 'noSuchTool', arguments: {} })).rejects.toThrow('no tool of this name');
  });

  it.each(['legacy', 'auto'] as const)('cancel a job by cancelling the call (%s)', async (mode) => {
    const client = await connect(mode);
    onlySimulator(product).faults.set({ hold: true });
    const abort = new AbortController();
    const begun = Promise.withResolvers<void>();
    const call = client.callTool(
      { name: 'textToImage', arguments: { prompt: `cancelled ${mode}`, waitSeconds: 60, steps: 2 } },
      { signal: abort.signal, onprogress: () => begun.resolve() },
    );
    call.catch(() => undefined);
    await begun.promise;
    const listed = z.object({
      jobs: z.object({
        nodes: z.array(z.object({ id: z.string(), status: z.string(), parameters: z.looseObject({}) })),
      }),
    });
    const mine = async () =>
      (await gateway.ask(listed, '{ jobs(first: 5) { nodes { id status parameters } } }')).jobs.nodes.find(
        ({ parameters }) => parameters.prompt === `cancelled ${mode}`,
      );
    expect(await mine()).toBeDefined();
    abort.abort();
    await expect(call).rejects.toThrow();
    await eventually(async () => (await mine())?.status === 'CANCELED', 'the job is canceled');
    onlySimulator(product).faults.reset();
  });

  it('wait again for what takes long, repeat a call by its key, and send files by an address', async () => {
    const client = await connect('legacy');
    onlySimulator(product).faults.set({ hold: true });
    const given = {
      prompt: 'slow',
      steps: 2,
      width: 64,
      height: 64,
      idempotencyKey: `k-${Date.now()}`,
      waitSeconds: 0,
    };
    const first = textOf(await client.callTool({ name: 'textToImage', arguments: given }));
    expect(first).toMatch(/^(?:QUEUED|RUNNING): .*`job`/);
    expect(jobIn(textOf(await client.callTool({ name: 'textToImage', arguments: given })))).toBe(jobIn(first));
    onlySimulator(product).faults.reset();
    const ended = await client.callTool({ name: 'job', arguments: { id: jobIn(first), waitSeconds: 60 } });
    expect(textOf(ended)).toMatch(/^SUCCEEDED: /);

    const withData = { prompt: 'again', steps: 2, image: { data: picture }, idempotencyKey: `d-${Date.now()}` };
    const once = await client.callTool({ name: 'imageToImage', arguments: withData });
    expect(textOf(once)).toMatch(/^SUCCEEDED: /);
    expect(textOf(await client.callTool({ name: 'imageToImage', arguments: withData }))).toBe(textOf(once));

    const bytes = Buffer.from(picture, 'base64');
    const upload = textOf(
      await client.callTool({
        name: 'create_upload',
        arguments: { filename: 'a.png', contentType: 'image/png', size: bytes.length },
      }),
    );
    const [, url = ''] = /'(http\S+)'$/m.exec(upload) ?? [];
    const headers = Object.fromEntries(
      [...upload.matchAll(/-H '([^:']+): ([^']+)'/g)].map(([, name, value]) => [name, value]),
    );
    expect((await fetch(url, { method: 'PUT', headers: headers as Record<string, string>, body: bytes })).ok).toBe(
      true,
    );
    const id = /"upload": "([^"]+)"/.exec(upload)?.[1];
    const upscaled = await client.callTool({ name: 'upscale', arguments: { image: { upload: id } } });
    expect(textOf(upscaled)).toMatch(/^SUCCEEDED: /);
  });

  it('learn of a workflow that is added while they are connected', async () => {
    const changed = Promise.withResolvers<void>();
    const client = await connect('auto', { onTools: () => changed.resolve() });
    const graph = JSON.parse(await readFile(graphFile, 'utf8'));
    const mutation = `mutation ($graph: JSON!) {
      addWorkflow(input: { source: { graph: $graph }, name: "portrait" }) { workflow { name } } }`;
    const added = z.object({ addWorkflow: z.object({ workflow: z.object({ name: z.string() }) }) });
    expect((await gateway.ask(added, mutation, { graph })).addWorkflow.workflow.name).toBe('portrait');
    await changed.promise;
    const tool = (await toolsOf(client)).find(({ name }) => name === 'portrait');
    if (!tool) throw new Error('the tool is not listed');
    const result = await client.callTool({ name: 'portrait', arguments: filled(tool, { picture }) });
    expect(textOf(result)).toMatch(/^SUCCEEDED: portrait/);
  });

  it('need a key where callers are told apart, and see no job of another', async () => {
    const guarded = await product.gateway({ AUTH: 'keys' });
    const call = (headers: Record<string, string>) =>
      fetch(`${guarded.url}/mcp`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
      });
    const refused = await call({});
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect((await call({ authorization: 'Bearer cg_AAAAAAAAAAAA_AAAAAAAAAAAAAAAAAAAAAAAA' })).status).toBe(401);
    expect((await call({ origin: 'https://foreign.test' })).status).toBe(403);

    const shop = await keyHeaders(product, 'shop');
    const owner = await connect('auto', { url: guarded.url, headers: shop });
    const made = await owner.callTool({
      name: 'textToImage',
      arguments: { prompt: 'mine', steps: 2, width: 64, height: 64 },
    });
    const id = jobIn(textOf(made));
    expect(textOf(await owner.callTool({ name: 'job', arguments: { id } }))).toMatch(/^SUCCEEDED/);
    const other = await connect('legacy', { url: guarded.url, headers: await keyHeaders(product, 'other') });
    for (const name of ['job', 'cancel_job']) {
      const foreign = await other.callTool({ name, arguments: { id } });
      const absent = await other.callTool({ name, arguments: { id: '01890a5d-ac96-774b-bcce-b302099a8057' } });
      expect(foreign).toEqual(absent);
      expect(foreign.isError).toBe(true);
    }
    const stolen = await other.callTool({ name: 'upscale', arguments: { image: { artifact: `${id}:0` } } });
    expect(textOf(stolen)).toContain('- image.artifact: ');
  });
});
