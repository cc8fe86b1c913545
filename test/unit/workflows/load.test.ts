import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bindTemplate, parseTemplate } from '../../../src/core/template.ts';
import { CatalogueError } from '../../../src/workflows/catalogue.ts';
import { loadCatalogue } from '../../../src/workflows/load.ts';
import { at, graph, manifest, parameters, workflowsFolder } from './folder.ts';

const load = (dir: string) => loadCatalogue({ dir, maxMegapixels: 4 });

test('workflows are named for their folders and sorted, and what else lies there is left alone', async () => {
  const two = { ...manifest, parameters: { text: parameters.text } };
  const dir = await workflowsFolder({
    'zoom/graph.json': graph,
    'zoom/manifest.json': manifest,
    'blur/graph.json': graph,
    'blur/manifest.json': two,
    'README.md': 'hello',
    '.cache/x': '',
  });
  await symlink(join(dir, 'blur'), join(dir, 'linked'));
  const catalogue = await load(dir);
  expect(catalogue.workflows.map((workflow) => workflow.name)).toEqual(['blur', 'linked', 'zoom']);
  expect(catalogue.get('zoom')?.title).toBe('A workflow');
  expect(catalogue.get('constructor')).toBeUndefined();
});

test('a parameter shows its limits, the implied ones too, and its choices under both names', async () => {
  const catalogue = await load(await workflowsFolder({ 'a/graph.json': graph, 'a/manifest.json': manifest }));
  const workflow = catalogue.get('a');
  expect(workflow?.nodesTotal).toBe(2);
  const shown = Object.fromEntries((workflow?.parameters ?? []).map((parameter) => [parameter.name, parameter]));
  expect(Object.keys(shown)).toEqual(['text', 'count', 'scale', 'on', 'method', 'seed', 'file']);
  expect(shown).toMatchObject({
    text: { type: 'STRING', required: true, default: null, minLength: 1, maxLength: 10 },
    count: { type: 'INT', required: false, default: 2, minimum: 1, maximum: 4, multipleOf: null },
    scale: { type: 'FLOAT', minimum: 0, maximum: 1, multipleOf: 0.1 },
    on: { type: 'BOOLEAN', default: false },
    seed: { type: 'SEED', minimum: 0, maximum: 4294967295 },
    file: { type: 'MODEL', modelOf: 'Loader.file', maxLength: 255 },
    method: {
      type: 'ENUM',
      enumType: 'Method',
      choices: [
        { value: 'FAST', label: 'fast' },
        { value: 'VERY_SLOW', label: 'very-slow' },
        { value: '_2X', label: '2x' },
        { value: 'PLUS', label: '++' },
      ],
    },
  });
});

test("the template binds GraphQL names to ComfyUI's, and its hash ignores the order of keys", async () => {
  const reordered = JSON.parse(JSON.stringify(graph), (_, value) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).reverse())
      : value,
  );
  const first = (await load(await workflowsFolder({ 'a/graph.json': graph, 'a/manifest.json': manifest }))).get('a');
  const second = (await load(await workflowsFolder({ 'a/graph.json': reordered, 'a/manifest.json': manifest }))).get(
    'a',
  );
  expect(second?.template).toEqual(first?.template);
  expect(first?.template.hash).toMatch(/^[0-9a-f]{64}$/);
  const bound = bindTemplate(parseTemplate(first?.template.text ?? ''), { method: '_2X', on: true, count: 3 });
  expect(bound['2']?.inputs).toEqual({ ...graph['2'].inputs, method: '2x', on: true, count: 3 });
});

test('files, outputs and keepMetadata go into the template; what a manifest leaves out does not', async () => {
  const asked = {
    ...manifest,
    parameters: {
      text: parameters.text,
      picture: { type: 'file', file: 'mask', list: true, description: 'd', targets: at('file', '1') },
    },
    outputs: [{ node: '2', name: 'picture' }, { node: '1' }],
    keepMetadata: true,
  };
  const files = { 'a/graph.json': graph, 'a/manifest.json': asked, 'b/graph.json': graph, 'b/manifest.json': manifest };
  const catalogue = await load(await workflowsFolder(files));
  expect(parseTemplate(catalogue.get('a')?.template.text ?? '')).toEqual({
    name: 'a',
    graph,
    parameters: {
      text: { targets: at('text') },
      picture: { targets: at('file', '1'), file: 'mask' },
    },
    outputs: [
      { node: '2', name: 'picture' },
      { node: '1', name: null },
    ],
    keepMetadata: true,
  });
  expect(catalogue.get('a')?.parameters[1]).toMatchObject({ type: 'FILE', file: 'mask', list: true, default: null });
  const plain = parseTemplate(catalogue.get('b')?.template.text ?? '');
  expect(Object.keys(plain).sort()).toEqual(['graph', 'name', 'parameters']);
  expect(Object.values(plain.parameters).map((parameter) => Object.keys(parameter).join())).not.toContain('file');
});

test('textToImage keeps its hash: jobs of an older version run on it', async () => {
  const dir = new URL('../../../workflows', import.meta.url).pathname;
  expect((await load(dir)).get('textToImage')?.template.hash).toBe(
    '128b30f1ef67058596cc6d50d6a2de804e5d65021f72cde4b1e240499554e084',
  );
});

test('what may be a number in the graph counts as a size, a choice too, and a seed does not', async () => {
  const dir = new URL('../../../workflows', import.meta.url).pathname;
  const { template, parameters } = (await load(dir)).get('textToImage') ?? {};
  const left = parameters?.filter(({ name }) => !template?.sizes.includes(name)).map(({ name }) => name);
  expect(template?.sizes).toContain('width');
  expect(left?.sort()).toEqual(['model', 'negativePrompt', 'prompt', 'seed']);
});

test('lists of models, files, flags and seeds are parsed item by item, and absent seeds are drawn', async () => {
  const list = (name: keyof typeof parameters, change: object = {}) => ({
    ...parameters[name],
    list: true,
    default: null,
    ...change,
  });
  const lists = {
    ...manifest,
    parameters: {
      file: list('file', { default: ['a', 'b'] }),
      on: list('on'),
      seed: list('seed', { limits: { maximum: 9, minItems: 2 } }),
      picture: {
        type: 'file',
        file: 'image',
        list: true,
        description: 'd',
        limits: { maxItems: 2 },
        targets: at('text'),
      },
    },
  };
  const workflow = (await load(await workflowsFolder({ 'a/graph.json': graph, 'a/manifest.json': lists }))).get('a');
  const upload = '01890A5D-AC96-774B-BCCE-B302099A8057';
  const url = 'https://example.org/a.png?x=1#y';
  const picture = [{ upload }, Object.assign(Object.create(null), { url, upload: null })];
  const parsed = workflow?.parse({ on: [true, false], picture }, []);
  expect(parsed).toEqual({
    ok: true,
    parameters: { file: ['a', 'b'], on: [true, false], picture: [{ upload: upload.toLowerCase() }, { url }] },
  });
  expect(workflow?.complete({}, () => 12)).toEqual({ seed: [2, 2] });
  const bad = workflow?.parse({ on: [1], seed: [1], picture: [{ upload }, 'x', {}] }, []);
  expect(bad?.ok === false && bad.issues.map(({ path, code }) => [...path, code].join(' '))).toEqual([
    'on 0 invalid_type',
    'seed too_small',
    'picture too_big',
  ]);
});

const badFiles: [what: string, file: unknown, issue: string][] = [
  ['a text', 'a.png', ' invalid_type: expected {upload}, {url} or {artifact}, got "a.png"'],
  ['nothing in it', { upload: null }, ' one_of: expected exactly one of upload, url, artifact, got none'],
  ['both', { upload: 'x', url: 'y' }, ' one_of: expected exactly one of upload, url, artifact, got upload and url'],
  [
    'another field',
    { path: '/etc/passwd' },
    'path unknown_field: "path" is not a field; there are upload, url, artifact',
  ],
  ['an id that is none', { upload: '../1' }, 'upload invalid_string: expected the id of an upload, got "../1"'],
  ['an id of another type', { upload: 1 }, 'upload invalid_type: expected the id of an upload, got 1'],
  ['an artifact that is none', { artifact: '7' }, 'artifact invalid_string: expected the id of an artifact, got "7"'],
  [
    'an artifact without its place',
    { artifact: '01890a5d-ac96-774b-bcce-b302099a8057' },
    'artifact invalid_string: expected the id of an artifact, got "01890a5d-ac96-774b-bcce-b302099a8057"',
  ],
  [
    'an artifact of a place that is none',
    { artifact: '01890a5d-ac96-774b-bcce-b302099a8057:00' },
    'artifact invalid_string: expected the id of an artifact, got "01890a5d-ac96-774b-bcce-b302099a8057:00"',
  ],
  ['an artifact of another type', { artifact: 0 }, 'artifact invalid_type: expected the id of an artifact, got 0'],
  ['another scheme', { url: 'ftp://a.de/x' }, 'url invalid_string: expected an https address, got "ftp://a.de/x"'],
  ['a path', { url: 'file:///etc/passwd' }, 'url invalid_string: expected an https address, got "file:///etc/passwd"'],
  ['no address', { url: 'https://' }, 'url invalid_string: expected an https address, got "https://"'],
  [
    'an address of another type',
    { url: ['https://a.de'] },
    'url invalid_type: expected an https address, got a list of 1',
  ],
  [
    'a password',
    { url: 'https://me:secret@a.de' },
    'url invalid_string: expected an https address without user name and password',
  ],
  [
    'a line break',
    { url: 'https://a.de/\nx' },
    'url invalid_string: expected an https address without white space or control characters',
  ],
  [
    'no end',
    { url: `https://a.de/${'x'.repeat(3000)}` },
    'url invalid_string: expected an https address of at most 2048 characters, got 3013',
  ],
];

test.for(badFiles)('an input file that is %s is refused', async ([, file, issue]) => {
  const asked = only('picture', { type: 'file', file: 'image', description: 'd', targets: at('text') });
  const workflow = (await load(await workflowsFolder({ 'a/graph.json': graph, 'a/manifest.json': asked }))).get('a');
  const parsed = workflow?.parse({ picture: file }, []);
  expect(
    parsed?.ok === false && parsed.issues.map((it) => `${it.path.slice(1).join('.')} ${it.code}: ${it.message}`),
  ).toEqual([issue]);
});

/** What a change of the good workflow makes of it: the lines of the error, without its head. */
async function faultsOf(files: { [path: string]: unknown }): Promise<string[]> {
  const dir = await workflowsFolder(files);
  const error = await load(dir).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CatalogueError)) throw new Error(`expected faults, got ${error}`);
  const [head, ...lines] = error.message.split('\n');
  expect(head).toBe(`the workflows in ${dir} cannot be used:`);
  return lines.map((line) => line.trim().replace(dir, 'DIR'));
}

const withParameter = (name: string, change: object) => ({
  ...manifest,
  parameters: { ...parameters, [name]: { ...(parameters as { [name: string]: object })[name], ...change } },
});
const only = (name: string, parameter: object) => ({ ...manifest, parameters: { [name]: parameter } });
const p = (field: string, reason: string) => `a/manifest.json: parameters.${field}: ${reason}`;

const badManifests: [what: string, manifest: unknown, faults: string[]][] = [
  [
    'no JSON',
    '{',
    ["a/manifest.json: is not JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)"],
  ],
  ['another kind of value', [], ['a/manifest.json: Invalid input: expected object, received array']],
  [
    'nothing in it',
    {},
    [
      'a/manifest.json: title: Invalid input: expected string, received undefined',
      'a/manifest.json: description: Invalid input: expected string, received undefined',
      'a/manifest.json: parameters: Invalid input: expected record, received undefined',
    ],
  ],
  [
    'no parameters',
    { ...manifest, parameters: {} },
    ['a/manifest.json: parameters: expected at least one, since GraphQL has no input without fields'],
  ],
  [
    'unknown keys',
    { ...withParameter('count', { limits: { min: 1 }, maximum: 3 }), titel: 'x' },
    [p('count.limits.min', 'unknown key'), p('count.maximum', 'unknown key'), 'a/manifest.json: titel: unknown key'],
  ],
  [
    'a limit of another type',
    withParameter('text', { limits: { minimum: 1 } }),
    [p('text.limits.minimum', 'unknown key')],
  ],
  [
    'an unknown type',
    withParameter('count', { type: 'integer' }),
    [
      p(
        'count.type',
        "Invalid discriminator value. Expected 'string' | 'int' | 'float' | 'boolean' | 'enum' | 'seed' | " +
          "'model' | 'file'",
      ),
    ],
  ],
  [
    'no description',
    withParameter('on', { description: '' }),
    [p('on.description', 'Too small: expected string to have >=1 characters')],
  ],
  ['no target', withParameter('on', { targets: [] }), [p('on.targets', 'Too small: expected array to have >=1 items')]],
  [
    'a node that is not there',
    withParameter('on', { targets: [{ node: '9', input: 'on' }] }),
    [p('on.targets.0.node', 'graph.json has no node "9"; it has 1, 2')],
  ],
  [
    'a node named constructor',
    withParameter('on', { targets: [{ node: 'constructor', input: 'on' }] }),
    [p('on.targets.0.node', 'graph.json has no node "constructor"; it has 1, 2')],
  ],
  [
    'an input that is not there',
    withParameter('on', { targets: [{ node: '1', input: 'toString' }] }),
    [p('on.targets.0.input', 'node 1 (Loader) has no input "toString"; it has file')],
  ],
  [
    'an input that is a link',
    withParameter('text', { targets: [{ node: '2', input: 'model' }] }),
    [p('text.targets.0.input', '"model" of node 2 (Sampler) is a link to another node')],
  ],
  [
    'an input of another type',
    withParameter('on', { targets: [{ node: '2', input: 'width' }] }),
    [p('on.targets.0.input', 'takes a number in graph.json (8), not a boolean')],
  ],
  [
    'two parameters for one input',
    withParameter('text', {
      targets: [
        { node: '2', input: 'text' },
        { node: '2', input: 'method' },
      ],
    }),
    [p('method.targets.0', 'method of node 2 is set by text already')],
  ],
  [
    'a default outside its limits',
    withParameter('count', { default: 5 }),
    [p('count.default', 'expected an integer from 1 to 4, got 5')],
  ],
  [
    'a default of another type',
    withParameter('on', { default: 'yes' }),
    [p('on.default', 'expected true or false, got "yes"')],
  ],
  [
    'a default under the name of ComfyUI',
    withParameter('method', { default: 'fast' }),
    [p('method.default', '"fast" is not a choice; did you mean FAST? Choices: FAST, VERY_SLOW, _2X, PLUS')],
  ],
  [
    'a default of a required parameter',
    withParameter('text', { default: 'x' }),
    [p('text.default', 'a required parameter has no default')],
  ],
  [
    'a default in a list',
    withParameter('text', { required: false, list: true, default: ['ok', ''] }),
    [p('text.default.1', 'expected text of 1 to 10 characters, got none')],
  ],
  [
    'limits the wrong way round',
    withParameter('count', { default: null, limits: { minimum: 4, maximum: 1 } }),
    [p('count.limits', 'minimum 4 is above maximum 1')],
  ],
  [
    'lengths the wrong way round',
    withParameter('text', { limits: { minLength: 4, maxLength: 1 } }),
    [p('text.limits', 'minLength 4 is above maxLength 1')],
  ],
  [
    'an int beyond the Int of GraphQL',
    withParameter('count', { limits: { maximum: 2147483648 } }),
    [p('count.limits.maximum', 'expected -2147483648 to 2147483647, got 2147483648')],
  ],
  [
    'a seed below 0',
    withParameter('seed', { limits: { minimum: -1 } }),
    [p('seed.limits.minimum', 'expected 0 to 9007199254740991, got -1')],
  ],
  [
    'limits of a list that is none',
    withParameter('count', { limits: { maxItems: 3 } }),
    [p('count.limits', 'minItems and maxItems need "list": true')],
  ],
  [
    'limits of a list the wrong way round',
    withParameter('text', { list: true, limits: { minItems: 3, maxItems: 2 } }),
    [p('text.limits', 'minItems 3 is above maxItems 2')],
  ],
  [
    'a default for a file',
    only('picture', { type: 'file', file: 'image', description: 'd', default: 'a.png', targets: at('file', '1') }),
    [p('picture.default', 'unknown key')],
  ],
  [
    'a file of an unknown kind, for a number',
    only('picture', { type: 'file', file: 'pdf', description: 'd', targets: at('width') }),
    [p('picture.file', 'Invalid option: expected one of "image"|"mask"|"audio"|"video"')],
  ],
  [
    'a file for a number',
    only('picture', { type: 'file', file: 'mask', description: 'd', targets: at('width') }),
    [p('picture.targets.0.input', 'takes a number in graph.json (8), not a string')],
  ],
  [
    'outputs that are not there, twice, or none',
    { ...manifest, outputs: [{ node: '9' }, { node: '2', name: 'picture' }, { node: '2' }, { node: 'toString' }] },
    [
      'a/manifest.json: outputs.0.node: graph.json has no node "9"; it has 1, 2',
      'a/manifest.json: outputs.2.node: "2" is there twice',
      'a/manifest.json: outputs.3.node: graph.json has no node "toString"; it has 1, 2',
    ],
  ],
  [
    'an empty list of outputs, and keepMetadata of another type',
    { ...manifest, outputs: [], keepMetadata: 'yes' },
    [
      'a/manifest.json: outputs: Too small: expected array to have >=1 items',
      'a/manifest.json: keepMetadata: Invalid input: expected boolean, received string',
    ],
  ],
  [
    'a name that GraphQL does not take',
    only('neg-prompt', parameters.text),
    [p('neg-prompt', 'expected a GraphQL name: letters, digits and _, no digit in front and not two _')],
  ],
  [
    'a name that GraphQL keeps to itself',
    only('__typename', parameters.text),
    [p('__typename', 'expected a GraphQL name: letters, digits and _, no digit in front and not two _')],
  ],
  [
    'a name without end',
    only('a'.repeat(65), parameters.text),
    [p('a'.repeat(65), 'expected a name of at most 64 characters, got 65')],
  ],
  [
    '__proto__ as a name',
    JSON.stringify(only('hidden', parameters.text)).replace('hidden', '__proto__'),
    [p('__proto__', 'a name other than __proto__ is needed')],
  ],
  [
    'choices that become one name',
    withParameter('method', { choices: ['fast', 'a b', 'a-b'] }),
    [p('method.choices.2', '"a b" and "a-b" would both be A_B; name one yourself: ["NAME", "a-b"]')],
  ],
  [
    'a choice twice',
    withParameter('method', { choices: ['fast', 'fast'] }),
    [p('method.choices.1', '"fast" is there twice')],
  ],
  [
    'a choice with no letter',
    withParameter('method', { choices: ['fast', '++'] }),
    [
      p(
        'method.choices.1',
        '"++" would be "__": expected a GraphQL name: letters, digits and _, no digit in front and not two ' +
          '_; name it yourself: ["NAME", "++"]',
      ),
    ],
  ],
  [
    'a choice named true',
    withParameter('method', { choices: ['fast', ['true', 'yes']] }),
    [p('method.choices.1', '"yes" would be "true": GraphQL keeps true to itself; name it yourself: ["NAME", "yes"]')],
  ],
  [
    'a choice that is a number',
    withParameter('method', { choices: ['fast', 2] }),
    [p('method.choices.1', "expected ComfyUI's name or [GraphQL name, ComfyUI's name]")],
  ],
  [
    "an enum named as a type of the gateway's own",
    withParameter('method', { enumType: 'Priority' }),
    [p('method.enumType', "Priority is a type of the gateway's own")],
  ],
  [
    'an enum named as an input type',
    withParameter('method', { enumType: 'AInput' }),
    [p('method.enumType', 'AInput is the input type of a')],
  ],
  [
    'a model of another class',
    withParameter('file', { model: 'Loader.fle' }),
    [p('file.model', 'expected the class and input of a target (Loader.file), got "Loader.fle"')],
  ],
  [
    'a constraint on what is not there, is no number, or may be absent',
    { ...manifest, constraints: [{ megapixels: ['widht', 'on'] }, { megapixels: ['scale', 'count'] }] },
    [
      'a/manifest.json: constraints.0.megapixels.0: there is no parameter "widht"',
      'a/manifest.json: constraints.0.megapixels.1: expected an int or a float that is no list, got on',
      'a/manifest.json: constraints.1.megapixels.0: scale must be required or have a default: without a ' +
        'value the limit would not be checked',
    ],
  ],
  [
    'an unknown constraint',
    { ...manifest, constraints: [{ ratio: ['a', 'b'] }] },
    [
      'a/manifest.json: constraints.0.megapixels: Invalid input: expected tuple, received undefined',
      'a/manifest.json: constraints.0.ratio: unknown key',
    ],
  ],
];

test.for(badManifests)('a manifest with %s stops the start', async ([, bad, faults]) => {
  expect(await faultsOf({ 'a/graph.json': graph, 'a/manifest.json': bad })).toEqual(faults);
});

const api =
  "expected ComfyUI's API format, got the editor's; in ComfyUI, open the workflow and use File > Export (API)";
const badFolders: [what: string, files: { [path: string]: unknown }, faults: (string | RegExp)[]][] = [
  [
    'a folder with neither file',
    { 'a/x': '' },
    [/^a\/manifest.json: cannot be read: ENOENT/, /^a\/graph.json: cannot be read: ENOENT/],
  ],
  ['a graph that is no JSON', { 'a/graph.json': '[', 'a/manifest.json': manifest }, [/^a\/graph.json: is not JSON: /]],
  [
    'a graph in the format of the editor',
    { 'a/graph.json': { nodes: [], links: [], version: 0.4 }, 'a/manifest.json': manifest },
    [`a/graph.json: ${api}`],
  ],
  [
    'a graph with faults',
    { 'a/graph.json': { '1': { inputs: { x: ['7', 0] } } }, 'a/manifest.json': manifest },
    [
      'a/graph.json: 1.class_type: expected the name of a node class, 1 to 200 characters, got nothing',
      'a/graph.json: 1.inputs.x.0: expected a link to a node of this graph, got "7"',
    ],
  ],
  [
    'the reserved name',
    { 'custom/graph.json': graph, 'custom/manifest.json': manifest },
    ["custom: custom is the field for a caller's own graph; name the folder otherwise"],
  ],
  [
    'a name that is no GraphQL name',
    { 'text-to-image/graph.json': graph, 'text-to-image/manifest.json': manifest },
    ['text-to-image: expected a GraphQL name: letters, digits and _, no digit in front and not two _'],
  ],
  [
    "a name whose type is the gateway's own",
    { 'generate/graph.json': graph, 'generate/manifest.json': manifest },
    ["generate: GenerateInput is a type of the gateway's own; name the folder otherwise"],
  ],
  [
    'two names with one type',
    {
      'Zoom/graph.json': graph,
      'Zoom/manifest.json': manifest,
      'zoom/graph.json': graph,
      'zoom/manifest.json': manifest,
    },
    ['zoom: its input type would be ZoomInput, as that of Zoom'],
  ],
  [
    'one enum type with two sets of choices',
    {
      'a/graph.json': graph,
      'a/manifest.json': manifest,
      'b/graph.json': graph,
      'b/manifest.json': withParameter('method', { choices: ['fast', 'slow'] }),
    },
    ['b/manifest.json: parameters.method.enumType: Method has other choices at a.method; name it otherwise'],
  ],
  [
    'faults in several files: all are named',
    {
      'a/graph.json': graph,
      'a/manifest.json': withParameter('count', { default: 9 }),
      'b/graph.json': {},
      'b/manifest.json': { ...manifest, title: 1 },
    },
    [
      'a/manifest.json: parameters.count.default: expected an integer from 1 to 4, got 9',
      'b/manifest.json: title: Invalid input: expected string, received number',
      'b/graph.json: expected at least one node, got none',
    ],
  ],
];

test.for(badFolders)('%s: the start stops', async ([, files, faults]) => {
  const found = await faultsOf(files);
  expect(found).toHaveLength(faults.length);
  for (const [index, fault] of faults.entries()) {
    if (typeof fault === 'string') expect(found).toContain(fault);
    else expect(found[index]).toMatch(fault);
  }
});

test('one enum type may serve two workflows whose choices are the same in any order', async () => {
  const reversed = withParameter('method', { choices: [...parameters.method.choices].reverse() });
  const files = {
    'a/graph.json': graph,
    'a/manifest.json': manifest,
    'b/graph.json': graph,
    'b/manifest.json': reversed,
  };
  expect((await load(await workflowsFolder(files))).workflows).toHaveLength(2);
});

test('a folder that is not there stops the start', async () => {
  const missing = join(await workflowsFolder({}), 'missing');
  await expect(load(missing)).rejects.toThrow(/cannot be used:\n {2}cannot be read: ENOENT/);
});

test('an empty folder is an empty catalogue', async () => {
  expect((await load(await workflowsFolder({}))).workflows).toEqual([]);
});
