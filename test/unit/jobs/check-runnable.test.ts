import { beforeAll, describe, expect, test } from 'vitest';
import type { BackendNodeDefinitions } from '../../../src/backends/node-definitions.ts';
import type { Json } from '../../../src/core/job.ts';
import type { NodeDefinitions } from '../../../src/core/node-definitions.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { planOf } from '../../../src/core/plan.ts';
import { encodeTemplate, parseTemplate, type Template } from '../../../src/core/template.ts';
import { createRunnableCheck } from '../../../src/jobs/check-runnable.ts';
import type { WorkflowCatalogue } from '../../../src/workflows/catalogue.ts';
import { newJob } from '../../support/gateway-store.ts';
import { shippedCatalogue } from '../../support/graph-services.ts';
import { stockClasses } from '../../support/node-definitions.ts';

const { objectInfo } = stockClasses();
const stock = objectInfoSchema.parse(objectInfo);
/** The stock classes but for these. */
const but = (changes: { [className: string]: unknown }): NodeDefinitions =>
  new Map([...stock, ...objectInfoSchema.parse(changes)]);

let workflows: WorkflowCatalogue;
beforeAll(async () => {
  workflows = await shippedCatalogue();
});

const server = (nodeDefinitions: NodeDefinitions | null, status: BackendNodeDefinitions['status'] = 'UP') => ({
  name: 'x',
  status,
  configured: true,
  nodeDefinitions,
});

/** `path: message` and the code of each issue, as `input.workflow.<name>` leads them. */
async function check(
  servers: BackendNodeDefinitions[] | null,
  template: { hash: string; text: string } | null,
  parameters: { [name: string]: Json },
  name = 'w',
  lookedAgain?: BackendNodeDefinitions[] | Error,
) {
  async function lookAgain() {
    if (lookedAgain instanceof Error) throw lookedAgain;
    return lookedAgain ?? servers;
  }
  const run = createRunnableCheck({ tryRead: async () => servers, lookAgain });
  const plan = planOf(template && parseTemplate(template.text), parameters);
  const issues = await run(newJob({ template, parameters }), plan, ['input', 'workflow', name]);
  return issues.map(({ path, message, code }) => [path.join('.').replace('input.workflow.', ''), code, message]);
}

function checkPicture(servers: BackendNodeDefinitions[] | null, parameters: { [name: string]: Json }) {
  const workflow = workflows.get('textToImage');
  if (!workflow) throw new Error('there is no textToImage');
  return check(servers, workflow.template, { prompt: 'x', ...parameters }, workflow.name);
}

const picture = (more: { [input: string]: Json } = {}, class_type = 'EmptyImage') => ({
  1: { class_type, inputs: { width: 64, height: 64, batch_size: 1, color: 0, ...more } },
  2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
});

test('a graph that one of the servers can run has no issues, though it is not reached at the moment', async () => {
  const without = server(new Map());
  expect(await checkPicture([without, server(stock, 'DOWN')], {})).toEqual([]);
  expect(await checkPicture([server(stock, 'DRAINING'), without], {})).toEqual([]);
});

test('with nothing known there are no issues', async () => {
  const model = 'gone.safetensors';
  expect(await checkPicture(null, { model })).toEqual([]);
  expect(await checkPicture([], { model })).toEqual([]);
  // It may have it: its worker decides.
  expect(await checkPicture([server(stock), server(null)], { model })).toEqual([]);
  expect(await checkPicture([server(stock), server(null, 'DOWN')], { model })).toHaveLength(1);
});

test('an issue is at the parameter that goes there, with the nearest choices', async () => {
  const [model] = await checkPicture([server(stock)], { model: 'sd_xl_base.safetensors' });
  expect(model).toEqual([
    'textToImage.model',
    'not_a_choice',
    expect.stringMatching(/^"sd_xl_base.safetensors" is not a choice; did you mean sd_xl_base_1.0.safetensors/),
  ]);
  const narrow = but({
    EmptyLatentImage: { input: { required: { width: ['INT', { max: 512 }], height: ['INT', {}] } } },
  });
  expect(await checkPicture([server(narrow)], { width: 1024, height: 64 })).toEqual([
    ['textToImage.width', 'too_big', 'expected an integer of at most 512, got 1024'],
  ]);
});

test('an enum is told of under its own names', async () => {
  const { KSampler } = JSON.parse(JSON.stringify(objectInfo));
  KSampler.input.required.sampler_name[0] = ['euler', 'ddim', 'new_one'];
  const issues = await checkPicture([server(but({ KSampler }))], { sampler: 'DPMPP_2M' });
  expect(issues).toEqual([
    ['textToImage.sampler', 'not_a_choice', expect.stringMatching(/^"DPMPP_2M" is not a choice.*Choices: .*EULER/)],
  ]);
  expect(JSON.stringify(issues)).not.toContain('new_one');
});

test('what no parameter sets is an issue of the workflow, naming node and class', async () => {
  const issues = await checkPicture([server(new Map([...stock].filter(([name]) => name !== 'VAEDecode')))], {});
  expect(issues).toEqual([
    [
      'textToImage',
      'unknown_class',
      expect.stringMatching(/^node \w+ \(VAEDecode\): the server has no class "VAEDecode"/),
    ],
  ]);
});

test('an item of a list has its place, and a parameter with several targets one issue', async () => {
  const template: Template = {
    name: 'lists',
    graph: {
      1: { class_type: 'Pick', inputs: { tags: 'a', more: 'a' } },
      2: { class_type: 'Pick', inputs: { tags: 'a' } },
    },
    parameters: {
      tags: { targets: ['1', '2'].map((node) => ({ node, input: 'tags' })), values: { A: 'a', B: 'b', C: 'c' } },
    },
  };
  const tags = ['COMBO', { multiselect: true, options: ['a', 'b'] }];
  const own = objectInfoSchema.parse({
    Pick: { input: { required: { tags }, optional: { more: [['b']] } }, output_node: true },
  });
  expect(await check([server(own)], encodeTemplate(template), { tags: ['A', 'C'] })).toEqual([
    ['w.tags.1', 'not_a_choice', '"C" is not a choice; did you mean A or B? Choices: A, B'],
    ['w', 'not_a_choice', 'more of node 1 (Pick): "a" is not a choice; did you mean b? Choices: b'],
  ]);
});

test('a graph of the caller’s own is told of where it says so', async () => {
  const custom = (graph: Json) => check([server(stock)], null, { graph }, 'custom');
  expect(await custom(picture())).toEqual([]);
  expect(await custom(picture({ width: 0, height: 'tall', batch_size: 5000 }))).toEqual([
    ['custom.graph.1.inputs.width', 'too_small', 'expected an integer of 1 to 16384, got 0'],
    ['custom.graph.1.inputs.height', 'invalid_type', 'expected an integer of 1 to 16384, got "tall"'],
    ['custom.graph.1.inputs.batch_size', 'too_big', 'expected an integer of 1 to 4096, got 5000'],
  ]);
  const [unknown] = await custom(picture({}, 'EmptyImages'));
  expect(unknown).toEqual([
    'custom.graph.1.class_type',
    'unknown_class',
    expect.stringMatching(/^the server has no class "EmptyImages"; did you mean EmptyImage/),
  ]);
  expect(await custom({ 1: picture()[1] })).toEqual([
    ['custom.graph', 'required', 'expected a node that makes a result, such as SaveImage'],
  ]);
  expect(await custom({ 2: { class_type: 'SaveImage', inputs: { filename_prefix: 'x' } } })).toEqual([
    ['custom.graph.2.inputs.images', 'required', 'expected a link to IMAGE, got nothing'],
  ]);
});

test('of several servers, the issues are those of the one that lacks least, one that is up before others', async () => {
  const poor = server(new Map([...stock].filter(([name]) => name !== 'EmptyImage')));
  const narrow = (max: number) => but({ EmptyImage: { input: { required: { width: ['INT', { max }] } } } });
  const custom = (servers: BackendNodeDefinitions[]) =>
    check(servers, null, { graph: picture({ width: 5000 }) }, 'custom');
  expect(await custom([server(new Map()), poor])).toMatchObject([
    [expect.anything(), 'unknown_class', expect.anything()],
  ]);
  const [issue] = await custom([server(narrow(8), 'DOWN'), server(narrow(16)), server(new Map())]);
  expect(issue?.[2]).toBe('expected an integer of at most 16, got 5000');
});

test('a place that a file goes to is not looked at', async () => {
  const graph = picture({ width: 0 });
  const files = [{ node: '1', input: 'width', file: { url: 'https://example.com/a.png' } }];
  expect(await check([server(stock)], null, { graph, files })).toEqual([]);
  expect(await check([server(stock)], null, { graph })).toHaveLength(1);
});

test('of very many issues the first fifty are told', async () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [i, { class_type: `No${i}`, inputs: {} }]));
  const issues = await check([server(stock)], null, { graph: many }, 'custom');
  expect(issues).toHaveLength(50);
  expect(issues[49]?.[2]).toBe('expected a class that the server has');
});

describe('a list that does not have a value', () => {
  const loader = (python_module: string, ...models: string[]) =>
    but({ Loader: { input: { required: { model: [models] } }, output: ['IMAGE'], python_module } });
  const load = (model: string) => ({
    1: { class_type: 'Loader', inputs: { model } },
    2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
  });
  const run = (servers: BackendNodeDefinitions[], lookedAgain?: BackendNodeDefinitions[] | Error) =>
    check(servers, null, { graph: load('new.gguf') }, 'custom', lookedAgain);
  const refused = [
    ['custom.graph.1.inputs.model', 'not_a_choice', expect.stringMatching(/^"new.gguf" is not a choice/)],
  ];

  test('is no reason to refuse where the class is of a pack', async () => {
    const again = new Error('not to be asked for');
    expect(await run([server(loader('custom_nodes.pack', 'old.gguf'))], again)).toEqual([]);
    expect(await run([server(loader('custom_nodes.pack')), server(new Map())], again)).toEqual([]);
  });

  test('is one where the server, looked at again, does not have it either', async () => {
    expect(await run([server(loader('nodes', 'old.gguf'))])).toEqual(refused);
  });

  test('is none where a file was copied in just now', async () => {
    expect(await run([server(loader('nodes'))], [server(loader('nodes', 'new.gguf'))])).toEqual([]);
  });

  test('is looked for again only where nothing else is wrong', async () => {
    const again = new Error('not to be asked for');
    const graph = { ...load('new.gguf'), 3: { class_type: 'Gone', inputs: {} } };
    const servers = [server(loader('nodes', 'old.gguf'))];
    expect((await check(servers, null, { graph }, 'custom', again)).map(([, code]) => code)).toEqual([
      'unknown_class',
      'not_a_choice',
    ]);
    expect(await check(servers, null, { graph: load('old.gguf') }, 'custom', again)).toEqual([]);
  });
});
