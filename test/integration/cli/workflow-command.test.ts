import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeAll, expect, test } from 'vitest';
import { addWorkflowCommands } from '../../../src/cli/workflow-command.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { startProduct } from '../../support/process.ts';
import { workflowsFolder } from '../../unit/workflows/folder.ts';

const graphs = new URL('../../comfyui/recorded/workflows/', import.meta.url).pathname;
let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator();
  return () => simulator.close();
});

/** Runs `comfygate workflow …` to its end. */
async function workflow(...args: string[]) {
  let output = '';
  let code = 0;
  const program = new Command();
  addWorkflowCommands(program, {
    env: {},
    write: (text) => {
      output += text;
    },
    note: (text) => {
      output += text;
    },
    fail: (text, exitCode) => {
      output += text;
      code = exitCode;
    },
  });
  await program.parseAsync(['workflow', ...args], { from: 'user' });
  return { code, output };
}

test('an export becomes a typed workflow that is shown as GraphQL, and that the server can run', async () => {
  const dir = await workflowsFolder({});
  const file = join(graphs, '30_text_to_image.json');
  const added = await workflow('add', file, '--name', 'portrait', '--dir', dir, '--comfyui', `${simulator.url}/`);
  expect(added.code, added.output).toBe(0);
  for (const text of [
    `${join(dir, 'portrait')}: 11 parameters`,
    'input PortraitInput {',
    '  prompt: String!',
    '  negativePrompt: String = "blurry"',
    '  sampler: Sampler = EULER',
    'enum Scheduler { BETA ',
    'comfygate workflow check',
    'within 2 s',
  ]) {
    expect(added.output).toContain(text);
  }
  const checked = await workflow('check', '--dir', dir, '--comfyui', simulator.url);
  expect(checked).toEqual({ code: 0, output: 'portrait: ok\n1 workflow, and the server can run it\n' });

  const again = await workflow('add', file, '--name', 'portrait', '--dir', dir);
  expect(again.code).toBe(1);
  expect(again.output).toContain('--force');
  expect((await workflow('add', file, '--name', 'portrait', '--dir', dir, '--force')).code).toBe(0);
});

test('what is wrong with the installed workflows is told, all of it, and the exit code says so', async () => {
  const dir = await workflowsFolder({});
  expect((await workflow('add', join(graphs, '12_upload_load_image.json'), '--name', 'scale', '--dir', dir)).code).toBe(
    0,
  );
  const manifestFile = join(dir, 'scale', 'manifest.json');
  const manifest = JSON.parse(await readFile(manifestFile, 'utf8'));
  manifest.parameters.width.limits.maximum = 20_000;
  await writeFile(manifestFile, JSON.stringify(manifest));
  expect((await workflow('check', '--dir', dir)).code).toBe(0);
  const refused = await workflow('check', '--dir', dir, '--comfyui', simulator.url);
  expect(refused.code).toBe(1);
  expect(refused.output).toContain(
    'scale/manifest.json: parameters.width.limits.maximum: 20000 is above 16384, the most that ImageScale.width takes',
  );
  manifest.parameters.width.targets[0].node = '77';
  await writeFile(manifestFile, JSON.stringify(manifest));
  const broken = await workflow('check', '--dir', dir);
  expect(broken.code).toBe(1);
  expect(broken.output).toContain('scale/manifest.json: parameters.width.targets.0.node: graph.json has no node "77"');
});

test('what cannot be used is answered with what to do', async () => {
  const nodes = [{ id: 1, type: 'NoSuchClass', inputs: [], outputs: [] }];
  const dir = await workflowsFolder({ 'export.json': { nodes, links: [], version: 0.4 } });
  const editor = await workflow('add', join(dir, 'export.json'), '--dir', dir);
  expect(editor.code).toBe(1);
  expect(editor.output).toMatch(/export\.json cannot be added:\n {2}Class NoSuchClass \(node 1\) /);
  const file = join(graphs, '01_single_image.json');
  const nobody = await workflow('add', file, '--dir', dir, '--comfyui', 'http://127.0.0.1:1');
  expect(nobody).toEqual({ code: 1, output: '--comfyui http://127.0.0.1:1: ComfyUI is not reachable\n' });
  const ofPackage = await workflow('add', file, '--dir', '/app/node_modules/comfygate/workflows');
  expect(ofPackage).toEqual({ code: 1, output: expect.stringContaining('`comfygate init`') });
  const noAddress = await workflow('check', '--dir', dir, '--comfyui', 'localhost:8188');
  expect(noAddress).toEqual({ code: 1, output: '--comfyui: localhost:8188 is no http address\n' });
});

test('the command line has them, with help, and ends with 1', async () => {
  const dir = await workflowsFolder({ 'a/manifest.json': '{' });
  const [help, check] = [
    ['add', '--help'],
    ['check', '--dir', dir],
  ].map((args) => startProduct(['workflow', ...args], {}));
  expect([await help?.exited, await check?.exited]).toEqual([0, 1]);
  expect(help?.output()).toContain('$ comfygate workflow add my-export.json');
  expect(check?.output()).toContain('a/manifest.json: is not JSON');
});
