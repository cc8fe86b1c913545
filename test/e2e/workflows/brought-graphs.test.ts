import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { Graph } from '../../../src/core/graph.ts';
import { disposals } from '../../support/disposals.ts';
import { extraDataNodes } from '../../support/extra-data-nodes.ts';
import type { ProductProcess } from '../../support/process.ts';
import { eventually, type Gateway, openProduct, type Product } from '../../support/product.ts';

const answerSchema = z.object({
  data: z
    .object({
      generate: z
        .object({
          replayed: z.boolean(),
          job: z.object({
            id: z.string(),
            status: z.string(),
            parameters: z.unknown(),
            error: z.object({ code: z.string(), message: z.string() }).nullable(),
            artifacts: z.array(z.object({ id: z.string(), url: z.string() })),
          }),
        })
        .nullable(),
    })
    .nullish(),
  errors: z.array(z.object({ message: z.string(), extensions: z.looseObject({ code: z.string() }) })).default([]),
});

const knownSchema = z.object({ workflow: z.object({ backends: z.array(z.unknown()) }) });

const FIELDS = '{ replayed job { id status parameters error { code message } artifacts { id url } } }';
const GENERATE = `mutation($input: GenerateInput!) { generate(input: $input) ${FIELDS} }`;

/** A lighthouse with this seed, as it stands in the text of the request. */
const sampled = (seed: string) => `{
  "4": { "class_type": "CheckpointLoaderSimple", "inputs": { "ckpt_name": "v1-5-pruned-emaonly.safetensors" } },
  "5": { "class_type": "EmptyLatentImage", "inputs": { "width": 64, "height": 64, "batch_size": 1 } },
  "6": { "class_type": "CLIPTextEncode", "inputs": { "text": "a lighthouse", "clip": ["4", 1] } },
  "3": { "class_type": "KSampler", "inputs": { "seed": ${seed}, "steps": 1, "cfg": 7, "sampler_name": "euler",
    "scheduler": "normal", "denoise": 1, "model": ["4", 0], "positive": ["6", 0], "negative": ["6", 0],
    "latent_image": ["5", 0] } },
  "8": { "class_type": "VAEDecode", "inputs": { "samples": ["3", 0], "vae": ["4", 2] } },
  "9": { "class_type": "SaveImage", "inputs": { "filename_prefix": "x", "images": ["8", 0] } }
}`;

/** A whole number, shown as text. */
const shown = (value: string) =>
  `{ "1": { "class_type": "PrimitiveInt", "inputs": { "value": ${value} } },
     "2": { "class_type": "PreviewAny", "inputs": { "source": ["1", 0] } } }`;

const partner: Graph = {
  '1': { class_type: 'FluxKontextProImageNode', inputs: { prompt: 'a cat', aspect_ratio: '16:9' } },
  '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
};
const refusing = { ...partner, '1': { ...partner['1'], inputs: { prompt: 'refuse', aspect_ratio: '16:9' } } };

const KEY = 'comfyui-0a1b2c3d-of-a-caller';

describe('graphs that people bring', { timeout: 240_000 }, () => {
  const suite = disposals();
  let product: Product;
  let gateway: Gateway;
  let worker: ProductProcess;

  beforeAll(async () => {
    product = await openProduct(suite, { speed: 50, packs: extraDataNodes });
    gateway = await product.gateway();
    worker = await product.worker();
    // From then on a graph is compared with what the server has.
    const query = '{ workflow(name: "textToImage") { backends { backend } } }';
    const known = async () => (await gateway.ask(knownSchema, query)).workflow.backends.length > 0;
    await eventually(known, "the server's classes are known", 120_000);
  }, 240_000);

  async function post(body: string) {
    const headers = { 'content-type': 'application/json' };
    const text = await (await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body })).text();
    product.texts.push(text);
    return { ...answerSchema.parse(JSON.parse(text)), text };
  }

  /** `graph` as JSON text, put into the body as it is. */
  function generate(graph: string, custom = {}, input = {}) {
    const workflow = { custom: { ...custom, graph: '@' } };
    const variables = { input: { idempotencyKey: randomUUID(), waitSeconds: 60, ...input, workflow } };
    return post(JSON.stringify({ query: GENERATE, variables }).replace('"@"', () => graph));
  }

  async function delivered(answer: Awaited<ReturnType<typeof generate>>) {
    const job = answer.data?.generate?.job;
    expect(job, answer.text).toMatchObject({ status: 'SUCCEEDED', error: null });
    if (!job) throw new Error('no job');
    return { ...job, text: await (await fetch(job.artifacts[0]?.url ?? '')).text() };
  }

  const issues = ({ errors }: Awaited<ReturnType<typeof generate>>) =>
    errors.map(({ message, extensions: { code } }) => `${code} ${message}`);

  it.each(['18446744073709551615', '"18446744073709551615"', '9007199254740993'])('seed %s runs', async (seed) => {
    const job = await delivered(await generate(sampled(seed)));
    const text = seed.replaceAll('"', '');
    expect(job.parameters).toMatchObject({ graph: { '3': { inputs: { seed: text } } } });
  });

  it.each(['9223372036854775807', '-9223372036854775807', '9007199254740991'])(
    '%s reaches ComfyUI whole',
    async (value) => {
      expect((await delivered(await generate(shown(value)))).text).toBe(value);
      expect((await delivered(await generate(shown(`"${value}"`)))).text).toBe(value);
    },
  );

  it('in a document too, and both forms are one input', async () => {
    const graph = shown('9223372036854775806').replace(/"(\w+)":/g, (_, key) =>
      /^\d/.test(key) ? `n${key}:` : `${key}:`,
    );
    const literal = graph.replace('"1", 0', '"n1", 0');
    const input = `idempotencyKey: "one input", waitSeconds: 60, workflow: { custom: { graph: ${literal} } }`;
    const query = `mutation { generate(input: { ${input} }) ${FIELDS} }`;
    const first = await delivered(await post(JSON.stringify({ query })));
    expect(first.text).toBe('9223372036854775806');
    const again = query.replace('9223372036854775806', '"9223372036854775806"');
    expect((await post(JSON.stringify({ query: again }))).data?.generate).toMatchObject({
      replayed: true,
      job: { id: first.id },
    });
  });

  it('one more than there may be is refused with what was expected', async () => {
    for (const seed of ['18446744073709551616', '"18446744073709551616"']) {
      expect(issues(await generate(sampled(seed)))).toEqual([
        'BAD_USER_INPUT input.workflow.custom.graph.3.inputs.seed: ' +
          'expected an integer of 0 to 18446744073709551615, got "18446744073709551616"',
      ]);
    }
    expect(issues(await generate(sampled('9'.repeat(310))))).toEqual([
      expect.stringMatching(/^BAD_USER_INPUT .*less than 1\.8e308/),
    ]);
  });

  it("a node that reads the editor's workflow gets it", async () => {
    const graph = JSON.stringify({
      '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 3368652 } },
      '2': { class_type: 'WidgetToString', inputs: { id: 1, widget_name: 'width', return_all: false } },
      '3': { class_type: 'PreviewAny', inputs: { source: ['2', 0] } },
    });
    const editorWorkflow = { nodes: [{ id: 1, type: 'EmptyImage', widgets_values: [64, 64, 1, 3368652] }], links: [] };
    expect((await delivered(await generate(graph, { editorWorkflow }))).text).toBe('64');
    expect(issues(await generate(graph, { editorWorkflow: partner }))).toEqual([
      expect.stringMatching(/^BAD_USER_INPUT input\.workflow\.custom\.editorWorkflow: .*`nodes`, got one without$/),
    ]);
  });

  it('what the editor saves runs as the graph that it is, by the classes of the server', async () => {
    const link = (name: string, type: string, link: number) => [{ name, type, link }];
    const file = {
      nodes: [
        { id: 1, type: 'EmptyImage', inputs: [], outputs: [], widgets_values: [64, 64, 1, 3368652] },
        { id: 2, type: 'WidgetToString', inputs: [], outputs: [], widgets_values: [1, 'width', false] },
        { id: 3, type: 'PreviewAny', inputs: link('source', 'STRING', 1), outputs: [], widgets_values: [] },
        { id: 4, type: 'SaveImage', inputs: link('images', 'IMAGE', 2), outputs: [], widgets_values: ['x'] },
        { id: 5, type: 'MarkdownNote', inputs: [], outputs: [], widgets_values: ['made in May'] },
      ],
      links: [
        [1, 2, 0, 3, 0, 'STRING'],
        [2, 1, 0, 4, 0, 'IMAGE'],
      ],
      version: 0.4,
    };
    const job = await delivered(await generate(JSON.stringify(file), { outputs: ['3'] }));
    // The node has read it from the file.
    expect(job.text).toBe('64');
    expect(job.parameters).toMatchObject({
      graph: { '1': { inputs: { width: 64, color: 3368652 } }, '3': { inputs: { source: ['2', 0] } } },
      editorWorkflow: file,
    });
    const strange = { ...file, nodes: [...file.nodes, { id: 6, type: 'NoSuchClass', inputs: [], outputs: [] }] };
    expect(issues(await generate(JSON.stringify(strange)))).toEqual([
      expect.stringMatching(/^BAD_USER_INPUT input\.workflow\.custom\.graph: .*NoSuchClass/),
    ]);
    expect(issues(await generate(JSON.stringify(file), { outputs: ['5'] }))).toEqual([
      expect.stringMatching(/^BAD_USER_INPUT .*custom\.outputs\.0: expected a node of the graph, got "5"$/),
    ]);
  });

  it("a partner node runs with its caller's key, which no answer, log or record has", async () => {
    const without = await generate(JSON.stringify(partner));
    expect(without.data?.generate?.job.error).toMatchObject({ code: 'EXECUTION_FAILED' });
    await delivered(await generate(JSON.stringify(partner), {}, { comfyOrgApiKey: KEY }));
    const refused = await generate(JSON.stringify(refusing), {}, { comfyOrgApiKey: KEY });
    expect(refused.data?.generate?.job.error?.message).toContain('X-API-KEY [secret]');
    for await (const keys of product.admin.scanStream({ count: 1_000 })) {
      for (const key of keys as string[]) {
        const held = (await product.admin.type(key)) === 'hash' ? await product.admin.hgetall(key) : {};
        expect(JSON.stringify(held)).not.toMatch(/comfyui-0a1b|sealedApiKey/);
      }
    }
    const told = [...product.texts, gateway.process.output(), worker.output()].join('');
    expect(told).not.toContain('comfyui-0a1b');
  });

  it('the key is no part of what makes two inputs the same', async () => {
    const idempotencyKey = 'with one key, then another';
    const first = await generate(JSON.stringify(partner), {}, { idempotencyKey, comfyOrgApiKey: KEY });
    const again = await generate(JSON.stringify(partner), {}, { idempotencyKey, comfyOrgApiKey: 'another' });
    expect(again.data?.generate).toMatchObject({ replayed: true, job: { id: first.data?.generate?.job.id } });
  });

  it.each<[string, unknown, object]>([
    ['an empty one', '', {}],
    ['one that is too long', `${KEY}${'x'.repeat(250)}`, {}],
    ['one with a letter of no ASCII', `${KEY}é`, {}],
    ['one with a line break', `${KEY}\n`, {}],
    ['a list', [KEY, KEY], {}],
    ['an object', { [KEY]: KEY }, {}],
    ['a right one beside a wrong field', KEY, { wrong: 1 }],
    ['a right one beside a field of another type', KEY, { tags: 1.5, deadlineSeconds: 'soon' }],
  ])('a key that is %s is refused without a word of it', async (_what, comfyOrgApiKey, input) => {
    const answer = await generate(JSON.stringify(partner), {}, { comfyOrgApiKey, ...input });
    expect(answer.errors.map(({ extensions: { code } }) => code)).toEqual(['BAD_USER_INPUT']);
    expect(answer.text).not.toContain('comfyui-0a1b');
  });

  it('a result is the input of the next job, of its kind and by its own id alone', async () => {
    const load = (file: object, kind = 'IMAGE') => [{ node: '1', input: 'image', kind, file }];
    const graph = JSON.stringify({
      '1': { class_type: 'LoadImage', inputs: { image: 'none.png' } },
      '2': { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
      '9': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'x' } },
    });
    const made = await delivered(await generate(sampled('1')));
    const artifact = made.artifacts[0]?.id ?? '';
    const next = await delivered(await generate(graph, { files: load({ artifact }) }));
    expect(next.parameters).toMatchObject({ files: [{ file: { artifact } }] });
    const at = 'BAD_USER_INPUT input.workflow.custom.files.0.file.artifact: ';
    expect(issues(await generate(graph, { files: load({ artifact }, 'AUDIO') }))).toEqual([
      `${at}expected a file of kind audio, got image/png`,
    ]);
    expect(issues(await generate(graph, { files: load({ artifact: `${randomUUID()}:0` }) }))).toEqual([
      `${at}expected the id of an artifact of a job of yours`,
    ]);
    expect(issues(await generate(graph, { files: load({ artifact: '../../etc/passwd' }) }))).toEqual([
      `${at}expected the id of an artifact, got "../../etc/passwd"`,
    ]);
  });
});
