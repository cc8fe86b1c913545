import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * A workflows folder of a test's own with these files (path -> text, or a value that becomes JSON), gone when it ends.
 */
export async function workflowsFolder(files: { [path: string]: unknown }): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'comfygate-workflows-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return dir;
}

/** A graph with an input of each kind. */
export const graph = {
  '1': { class_type: 'Loader', inputs: { file: 'a.safetensors' }, _meta: { title: 'Load' } },
  '2': {
    class_type: 'Sampler',
    inputs: {
      model: ['1', 0],
      text: 'x',
      count: 1,
      scale: 1.5,
      on: true,
      method: 'fast',
      seed: 0,
      width: 8,
      height: 8,
    },
  },
};

export const at = (input: string, node = '2') => [{ node, input }];

/** Parameters for that graph, one of each type. */
export const parameters = {
  text: {
    type: 'string',
    description: 'd',
    required: true,
    limits: { minLength: 1, maxLength: 10 },
    targets: at('text'),
  },
  count: { type: 'int', description: 'd', default: 2, limits: { minimum: 1, maximum: 4 }, targets: at('count') },
  scale: { type: 'float', description: 'd', limits: { minimum: 0, maximum: 1, multipleOf: 0.1 }, targets: at('scale') },
  on: { type: 'boolean', description: 'd', default: false, targets: at('on') },
  method: {
    type: 'enum',
    description: 'd',
    enumType: 'Method',
    choices: ['fast', 'very-slow', '2x', ['PLUS', '++']],
    default: 'FAST',
    targets: at('method'),
  },
  seed: { type: 'seed', description: 'd', limits: { maximum: 4294967295 }, targets: at('seed') },
  file: { type: 'model', description: 'd', model: 'Loader.file', targets: at('file', '1') },
};

export const manifest = { title: 'A workflow', description: 'For tests.', parameters };
