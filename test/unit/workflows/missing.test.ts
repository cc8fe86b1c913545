import { describe, expect, test } from 'vitest';
import type { NodeDefinitions } from '../../../src/core/node-definitions.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { parseTemplate } from '../../../src/core/template.ts';
import { loadCatalogue } from '../../../src/workflows/load.ts';
import { createMissingOf } from '../../../src/workflows/missing.ts';
import { shippedCatalogue } from '../../support/graph-services.ts';
import { stockClasses } from '../../support/node-definitions.ts';
import { workflowsFolder } from './folder.ts';

const { objectInfo } = stockClasses();
const stock = objectInfoSchema.parse(objectInfo);
const missingOf = createMissingOf();

const { workflows } = await shippedCatalogue();
const shipped = workflows.map((workflow) => [workflow.name, workflow] as const);

test.each(shipped)('%s lacks nothing at a ComfyUI with its models', (_name, workflow) => {
  expect(missingOf(workflow, stock)).toEqual([]);
});

test.each(shipped)('%s lacks each of its classes at one without any', (_name, workflow) => {
  const { graph } = parseTemplate(workflow.template.text);
  const classes = new Set(Object.values(graph).map(({ class_type }) => `class ${class_type}`));
  expect(missingOf(workflow, new Map())).toHaveLength(classes.size);
  expect(new Set(missingOf(workflow, new Map()))).toEqual(classes);
});

describe('a workflow with one of each', () => {
  const graph = {
    load: { class_type: 'Load', inputs: { model: 'default.safetensors', mode: 'fast', image: 'a.png' } },
    save: { class_type: 'Save', inputs: { images: ['load', 0], steps: 5 } },
  };
  const parameters = {
    model: { type: 'model', description: 'x', model: 'Load.model', targets: [{ node: 'load', input: 'model' }] },
    image: {
      type: 'file',
      description: 'x',
      file: 'image',
      required: true,
      targets: [{ node: 'load', input: 'image' }],
    },
    steps: { type: 'int', description: 'x', default: 9, targets: [{ node: 'save', input: 'steps' }] },
  };

  async function missing(nodeDefinitions: NodeDefinitions, changes: object = {}): Promise<readonly string[]> {
    const manifest = { title: 'One of each', description: 'x', parameters: { ...parameters, ...changes } };
    const dir = await workflowsFolder({ 'w/graph.json': graph, 'w/manifest.json': manifest });
    const workflow = (await loadCatalogue({ dir, maxMegapixels: 4 })).get('w');
    if (!workflow) throw new Error('there is no workflow w');
    return missingOf(workflow, nodeDefinitions);
  }

  const server = ({ models = ['default.safetensors'], modes = ['fast'], max = 10 } = {}) =>
    objectInfoSchema.parse({
      Load: { input: { required: { model: [models], mode: [modes], image: [['b.png']] } }, output: ['IMAGE'] },
      Save: { input: { required: { images: ['IMAGE'], steps: ['INT', { min: 1, max }] } }, output_node: true },
    });

  test('lacks nothing where all is there: files are not asked for', async () => {
    expect(await missing(server())).toEqual([]);
  });

  test('lacks its default model, though another would do, a choice, and a number within the limits', async () => {
    expect(await missing(server({ models: ['other.safetensors'], modes: ['slow'], max: 8 }))).toEqual([
      'choice fast (Load.mode)',
      'model default.safetensors (Load.model)',
      'value 9 for Save.steps: expected an integer of 1 to 8, got 9',
    ]);
  });

  test('does not lack a model that every caller names, unless there is none', async () => {
    const required = { model: { ...parameters.model, required: true } };
    expect(await missing(server({ models: ['other.safetensors'] }), required)).toEqual([]);
    expect(await missing(server({ models: [] }), required)).toEqual(['model default.safetensors (Load.model)']);
  });

  test('lacks a class once, however many nodes have it', async () => {
    expect(await missing(new Map())).toEqual(['class Load', 'class Save']);
  });

  test('lacks a value that the server wants and the graph does not have', async () => {
    const more = objectInfoSchema.parse({
      Save: { input: { required: { images: ['IMAGE'], steps: ['INT'], name: ['STRING'] } }, output_node: true },
    });
    expect(await missing(new Map([...server(), ...more]))).toEqual(['a value for Save.name']);
  });
});
