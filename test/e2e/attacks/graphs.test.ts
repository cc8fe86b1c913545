import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposals } from '../../support/disposals.ts';
import { type ExpectedIssue, openRefusals, type Refusals } from '../../support/refusals.ts';

const AT = 'input.workflow.custom';
const picture = { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } };
const save = { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } };
const load = { class_type: 'LoadImage', inputs: { image: 'x.png' } };
const good = { 1: picture, 2: save };
const withPicture = (inputs: object) => ({ 1: { ...picture, inputs: { ...picture.inputs, ...inputs } }, 2: save });
const withSave = (inputs: object) => ({ 1: picture, 2: { ...save, inputs: { ...save.inputs, ...inputs } } });
const checkpoint = (ckpt_name: unknown) => ({
  ...good,
  3: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name } },
  4: { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
  5: { class_type: 'VAEDecode', inputs: { samples: ['4', 0], vae: ['3', 2] } },
  6: { class_type: 'SaveImage', inputs: { images: ['5', 0], filename_prefix: 'y' } },
});
const url = 'https://example.com/x.png';
const file = (fields: object) => ({
  graph: { 1: load, 2: save },
  files: [{ node: '1', input: 'image', file: { url }, ...fields }],
});

/** What ComfyUI would refuse, or must never see. */
const graphs: [name: string, graph: unknown, ...issues: ExpectedIssue[]][] = [
  [
    'a class that no server has',
    { 1: { class_type: 'EmptyImag', inputs: {} }, 2: save },
    ['graph.1.class_type', 'unknown_class', /did you mean EmptyImage/],
  ],
  [
    'a class called constructor',
    { ...good, 3: { class_type: 'constructor', inputs: {} } },
    ['graph.3.class_type', 'unknown_class', /"constructor"/],
  ],
  [
    'a class with a line break',
    { ...good, 3: { class_type: 'Save\r\nImage', inputs: {} } },
    ['graph.3.class_type', 'unknown_class', /SaveImage/],
  ],
  [
    'a class of no characters',
    { ...good, 3: { class_type: '', inputs: {} } },
    ['graph.3.class_type', 'too_small', /name of a node class/],
  ],
  [
    'a class of 201 characters',
    { ...good, 3: { class_type: 'x'.repeat(201), inputs: {} } },
    ['graph.3.class_type', 'too_big', /1 to 200 characters/],
  ],
  [
    'a class with NUL',
    { ...good, 3: { class_type: 'a\0', inputs: {} } },
    ['graph.3.class_type', 'invalid_string', /without NUL/],
  ],
  [
    'a class that is a number',
    { ...good, 3: { class_type: 5, inputs: {} } },
    ['graph.3.class_type', 'invalid_type', /name of a node class.*got 5/],
  ],
  [
    'what the editor saves, of a class that no server has',
    { nodes: [{ id: 1, type: 'KSample' }], links: [], version: 0.4 },
    ['graph', 'editor_format', /KSample/],
  ],
  ['text', '{"1": {}}', ['graph', 'invalid_type', /expected an object of node id -> node/]],
  ['null', null, ['graph', 'required', /expected a (?:value|graph)/]],
  ['a number', 7, ['graph', 'invalid_type', /expected an object of node id -> node, got 7/]],
  ['a node of null', { ...good, 3: null }, ['graph.3', 'invalid_type', /expected a node \{class_type, inputs\}/]],
  ['a node that is a list', { ...good, 3: [] }, ['graph.3', 'invalid_type', /expected a node/]],
  [
    'a node without inputs',
    { ...good, 3: { class_type: 'SaveImage' } },
    ['graph.3.inputs', 'required', /expected an object/],
  ],
  [
    'inputs in a list',
    { ...good, 3: { class_type: 'SaveImage', inputs: [] } },
    ['graph.3.inputs', 'invalid_type', /expected an object, got a list/],
  ],
  ['an id with a space', { ...good, 'a b': picture }, ['graph.a b', 'invalid_string', /node id of 1 to 64/]],
  ['an id of a path', { ...good, '../1': picture }, ['graph.../1', 'invalid_string', /node id of 1 to 64/]],
  [
    'an id of 65 characters',
    { ...good, ['a'.repeat(65)]: picture },
    [`graph.${'a'.repeat(64)}`, 'invalid_string', /node id of 1 to 64/],
  ],
  [
    'a title of 201 characters',
    { ...good, 3: { ...picture, _meta: { title: 'x'.repeat(201) } } },
    ['graph.3._meta.title', 'too_big', /at most 200/],
  ],
  [
    'a title that is a list',
    { ...good, 3: { ...picture, _meta: { title: ['x'] } } },
    ['graph.3._meta.title', 'invalid_type', /expected text/],
  ],
  [
    'a link to a node that is not there',
    withSave({ images: ['9', 0] }),
    ['graph.2.inputs.images.0', 'unknown_node', /link to a node of this graph, got "9"/],
  ],
  [
    'a link to __proto__',
    withSave({ images: ['__proto__', 0] }),
    ['graph.2.inputs.images.0', 'unknown_node', /link to a node/],
  ],
  [
    'a link to constructor',
    withSave({ images: ['constructor', 0] }),
    ['graph.2.inputs.images.0', 'unknown_node', /link to a node/],
  ],
  ['no result', { 1: picture }, ['graph', 'required', /a node that makes a result/]],
  [
    'an input that is missing',
    { 1: picture, 2: { class_type: 'SaveImage', inputs: { filename_prefix: 'x' } } },
    ['graph.2.inputs.images', 'required', /expected a link to IMAGE/],
  ],
  [
    'a width below the limit',
    withPicture({ width: 0 }),
    ['graph.1.inputs.width', 'too_small', /an integer of 1 to 16384, got 0/],
  ],
  [
    'a width above the limit',
    withPicture({ width: 16_385 }),
    ['graph.1.inputs.width', 'too_big', /an integer of 1 to 16384, got 16385/],
  ],
  [
    'a width that is text',
    withPicture({ width: 'wide' }),
    ['graph.1.inputs.width', 'invalid_type', /an integer of 1 to 16384, got "wide"/],
  ],
  ['a width of null', withPicture({ width: null }), ['graph.1.inputs.width', 'invalid_type', /an integer/]],
  [
    'a batch that is an object',
    withPicture({ batch_size: { a: 1 } }),
    ['graph.1.inputs.batch_size', 'invalid_type', /an integer.*an object/],
  ],
  [
    'three faults at once',
    withPicture({ width: -1, height: 99_999, batch_size: 'x' }),
    ['graph.1.inputs.width', 'too_small', /an integer/],
    ['graph.1.inputs.height', 'too_big', /an integer/],
    ['graph.1.inputs.batch_size', 'invalid_type', /an integer/],
  ],
  [
    'a model that is not installed',
    checkpoint('sd_xl_base.safetensors'),
    ['graph.3.inputs.ckpt_name', 'not_a_choice', /did you mean sd_xl_base_1\.0\.safetensors/],
  ],
  [
    'a model above its folder',
    checkpoint('../../etc/passwd'),
    ['graph.3.inputs.ckpt_name', 'not_a_choice', /Choices: .*sd_xl_base_1\.0/],
  ],
  ['a model that is an object', checkpoint({ a: 1 }), ['graph.3.inputs.ckpt_name', 'not_a_choice', /choice/]],
  [
    'a text with NUL',
    withSave({ filename_prefix: 'a\0b' }),
    ['graph.2.inputs.filename_prefix', 'invalid_string', /without NUL/],
  ],
  [
    'a text of a million characters',
    withSave({ filename_prefix: 'x'.repeat(1_000_000) }),
    ['graph', 'too_big', /at most 100000 values and 1000000 characters/],
  ],
  [
    'an input of 201 characters',
    withSave({ ['x'.repeat(201)]: 1 }),
    [`graph.2.inputs.${'x'.repeat(64)}`, 'too_big', /a name of at most 200/],
  ],
  [
    '1,001 nodes',
    Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [i, picture])),
    ['graph', 'too_big', /at most 1000 nodes, got 1001/],
  ],
  [
    '100,001 values',
    withSave({ many: Array.from({ length: 100_001 }, () => 0) }),
    ['graph', 'too_big', /at most 100000 values/],
  ],
  [
    '21 levels',
    withSave({ deep: JSON.parse(`${'['.repeat(21)}${']'.repeat(21)}`) }),
    ['graph.2.inputs.deep'.concat('.0'.repeat(20)), 'too_deep', /at most 20 lists and objects/],
  ],
];

/** What only raw JSON can say. */
const raw: [name: string, graph: string, path: string, code: string, message: RegExp][] = [
  [
    'half a surrogate pair',
    '{"1":{"class_type":"SaveImage","inputs":{"a":"\\ud800"}}}',
    'graph.1.inputs.a',
    'invalid_string',
    /half of a surrogate pair/,
  ],
  [
    '__proto__ as a node',
    '{"__proto__":{"class_type":"SaveImage","inputs":{}}}',
    'graph',
    'invalid_type',
    /no key __proto__/,
  ],
  [
    'a seed of 310 digits',
    `{"1":{"class_type":"KSampler","inputs":{"seed":${'9'.repeat(310)}}}}`,
    'graph',
    'invalid_type',
    /less than 1\.8e308.*1\.inputs\.seed/,
  ],
  [
    'an infinite number',
    '{"1":{"class_type":"KSampler","inputs":{"cfg":-1e999}}}',
    'graph',
    'invalid_type',
    /1\.inputs\.cfg/,
  ],
  [
    '65 levels',
    `{"1":{"class_type":"X","inputs":{"a":${'['.repeat(65)}${']'.repeat(65)}}}}`,
    'graph',
    'invalid_type',
    /at most 64 levels/,
  ],
];

/** The rest of `custom`. */
const rest: [name: string, custom: object, ...issues: ExpectedIssue[]][] = [
  [
    'outputs of no node',
    { graph: good, outputs: ['7'] },
    ['outputs.0', 'unknown_node', /a node of the graph, got "7"/],
  ],
  [
    'outputs of __proto__',
    { graph: good, outputs: ['__proto__'] },
    ['outputs.0', 'unknown_node', /a node of the graph/],
  ],
  ['outputs of nothing', { graph: good, outputs: [] }, ['outputs', 'invalid_type', /1 to 1000 node ids/]],
  ['outputs twice', { graph: good, outputs: ['2', '2'] }, ['outputs.1', 'not_unique', /"2" is there twice/]],
  ['outputs that are numbers', { graph: good, outputs: [2] }, ['outputs.0', 'invalid_type', /expected a string/]],
  [
    'a name of a workflow',
    { graph: good, name: 'textToImage' },
    ['name', 'name_taken', /is a workflow of the catalogue/],
  ],
  ['a name with a path', { graph: good, name: '../x' }, ['name', 'invalid_string', /1 to 64 characters of A-Z/]],
  ['metadata as text', { graph: good, keepMetadata: 'yes' }, ['keepMetadata', 'invalid_type', /true or false/]],
  ['a field that there is not', { graph: good, prompt: 'x' }, ['prompt', 'unknown_field', /graph/]],
  ['a file for no node', file({ node: '7' }), ['files.0.node', 'unknown_node', /a node of the graph, got "7"/]],
  [
    'a file for a link',
    file({ node: '2', input: 'images' }),
    ['files.0.input', 'is_link', /"images" of node 2 is a link/],
  ],
  ['a file for __proto__', file({ input: '__proto__' }), ['files.0.input', 'invalid_string', /the name of an input/]],
  [
    'a file for an input of no characters',
    file({ input: '' }),
    ['files.0.input', 'invalid_string', /the name of an input/],
  ],
  [
    'a file of no kind that there is',
    file({ kind: 'PICTURE' }),
    ['files.0.kind', 'not_a_choice', /AUDIO, IMAGE, MASK, VIDEO/],
  ],
  ['a file that is both', file({ file: { url, upload: randomUUID() } }), ['files.0.file', 'one_of', /exactly one of/]],
  [
    'a file of no upload',
    file({ file: { upload: randomUUID() } }),
    ['files.0.file.upload', 'not_found', /an upload that is there/],
  ],
  [
    'a file inside the network',
    file({ file: { url: 'https://10.0.0.1/x.png' } }),
    ['files.0.file.url', 'invalid_url', /on the public internet/],
  ],
  [
    'two files for one input',
    { graph: { 1: load, 2: save }, files: [1, 2].map(() => ({ node: '1', input: 'image', file: { url } })) },
    ['files.1.input', 'not_unique', /gets a file already/],
  ],
  [
    '17 files',
    {
      graph: { 1: load, 2: save },
      files: Array.from({ length: 17 }, (_, i) => ({ node: '1', input: `a${i}`, file: { url } })),
    },
    ['files', 'too_big', /at most 16 files, got a list of 17/],
  ],
];

/** Left to ComfyUI, which refuses them when the job runs, and to the worker, which keeps files where they belong. */
const failing: [name: string, graph: object, code: string, message: RegExp][] = [
  [
    'a node that needs itself',
    { 1: { class_type: 'ImageInvert', inputs: { image: ['1', 0] } }, 2: save },
    'WORKFLOW_REJECTED',
    /cycle/i,
  ],
  ['an output that its node has not', withSave({ images: ['1', 7] }), 'WORKFLOW_REJECTED', /./],
  ['an output below 0', withSave({ images: ['1', -5] }), 'WORKFLOW_REJECTED', /./],
  [
    'a link to what is no picture',
    {
      1: picture,
      3: { class_type: 'PrimitiveInt', inputs: { value: 1 } },
      2: { ...save, inputs: { ...save.inputs, images: ['3', 0] } },
    },
    'WORKFLOW_REJECTED',
    /./,
  ],
  ['a text where a link belongs', withSave({ images: 'picture' }), 'EXECUTION_FAILED', /./],
  [
    'a file above the input folder',
    { 1: { class_type: 'LoadImage', inputs: { image: '../../../etc/passwd' } }, 2: save },
    'WORKFLOW_REJECTED',
    /./,
  ],
  [
    'a file of the output folder',
    { 1: { class_type: 'LoadImage', inputs: { image: 'x_00001_.png [output]' } }, 2: save },
    'WORKFLOW_REJECTED',
    /./,
  ],
];

describe('graphs that attack', { timeout: 60_000 }, () => {
  const suite = disposals();
  let refusals: Refusals;
  beforeAll(async () => {
    refusals = await openRefusals(suite);
  }, 120_000);
  afterAll(() => refusals.target.expectUnharmed());

  const below = (issues: ExpectedIssue[]) =>
    issues.map(([path, code, message]): ExpectedIssue => [`${AT}.${path}`, code, message]);

  it.each(graphs)('a graph with %s is refused', async (_name, graph, ...issues) => {
    await refusals.expectRefused({ custom: { graph } }, below(issues));
  });

  it.each(raw)('a graph with %s is refused', async (_name, json, ...issue) => {
    await refusals.expectRefused({ custom: { graph: '@' } }, below([issue]), { json });
  });

  it.each(rest)('%s: refused', async (_name, custom, ...issues) => {
    await refusals.expectRefused({ custom }, below(issues));
  });

  it('has queued nothing of them, used no key, and serves on', () => refusals.expectNothingBegun());

  it.each(failing)('%s ends as a failed job', async (_name, graph, code, message) => {
    const { target } = refusals;
    const { id } = await target.gateway.generate({ input: { workflow: { custom: { graph } } } });
    const { job } = await target.gateway.watch(id).end();
    expect(job).toMatchObject({ status: 'FAILED', artifacts: [], error: { code, retryable: false } });
    expect(job.error?.message).toMatch(message);
  });

  it.each(['../../../../etc/x', '/etc/x', 'C:\\x', '%year%/../..', 'a/b/c', ' ', '', 'x'.repeat(5_000), 7, '‮x'])(
    'whatever prefix is asked for (%j), files stay where they belong and come with a name of the gateway',
    async (filename_prefix) => {
      const { gateway } = refusals.target;
      const graph = withSave({ filename_prefix });
      const { id } = await gateway.generate({ input: { workflow: { custom: { graph } } } });
      const { job } = await gateway.watch(id).end();
      expect(job).toMatchObject({
        status: 'SUCCEEDED',
        artifacts: [{ filename: `custom-${id.slice(-8)}-2_00001_.png` }],
      });
      await gateway.expectWhole(job);
    },
  );
});
