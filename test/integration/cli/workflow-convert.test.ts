import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeEach, expect, test } from 'vitest';
import { addWorkflowCommands } from '../../../src/cli/workflow-command.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'convert-'));
  await writeFile(
    join(dir, 'object_info.json'),
    JSON.stringify({ Number: { input: { required: { value: ['INT'] } } } }),
  );
  return () => rm(dir, { recursive: true });
});

async function convert(...args: string[]) {
  const said = { output: '', errors: '', code: 0 };
  const program = new Command();
  addWorkflowCommands(program, {
    env: {},
    write: (text) => {
      said.output += text;
    },
    note: (text) => {
      said.errors += text;
    },
    fail: (text, exitCode) => {
      said.errors += text;
      said.code = exitCode;
    },
  });
  const options = ['--object-info', join(dir, 'object_info.json')];
  await program.parseAsync(['workflow', 'convert', ...args, ...options], { from: 'user' });
  return said;
}

async function save(name: string, text: string): Promise<string> {
  await writeFile(join(dir, name), text);
  return join(dir, name);
}

const number = (value: string) => `{"nodes":[{"id":1,"type":"Number","title":"Mine","widgets_values":[${value}]}]}`;

test('each file is written beside it, with long numbers as they are; what cannot be converted is said', async () => {
  const good = await save('good.workflow.json', `\uFEFF${number('18446744073709551615')}`);
  const bad = await save('bad.json', '{"nodes":[{"id":1,"type":"Nobody"}]}');
  const broken = await save('broken.json', '{');
  const last = await save('last.json', number('3'));
  const { output, errors, code } = await convert(good, bad, broken, last);
  expect(code).toBe(1);
  expect(output).toBe(`${join(dir, 'good.api.json')}\n${join(dir, 'last.api.json')}\n`);
  expect(errors.split('\n').slice(0, 2)).toEqual([
    expect.stringContaining(`${bad}: Class Nobody (node 1)`),
    expect.stringContaining(`${broken}: `),
  ]);
  const text = await readFile(join(dir, 'good.api.json'), 'utf8');
  expect(text).toContain('"value": 18446744073709551615');
  expect(JSON.parse(text)['1']).toMatchObject({ class_type: 'Number', _meta: { title: 'Mine' } });
});

test('two files of one name do not overwrite each other in --out, which is made', async () => {
  const out = join(dir, 'deep', 'out');
  const first = await save('a.json', number('1'));
  const second = await save('a.workflow.json', number('2'));
  const { errors, code } = await convert(first, second, '--out', out);
  expect(code).toBe(1);
  expect(errors).toContain(`${second}: ${join(out, 'a.api.json')} was written for ${first}`);
  expect(JSON.parse(await readFile(join(out, 'a.api.json'), 'utf8'))['1'].inputs).toEqual({ value: 1 });
});

test('a file of another kind, and one that is no object_info, are refused with what was expected', async () => {
  const other = await save('package.json', '{"name":"x","version":"1.0.0"}');
  expect(await convert(other)).toMatchObject({ code: 1, errors: expect.stringContaining('no workflow') });
  await save('object_info.json', '[]');
  expect(await convert(other)).toMatchObject({ code: 1, errors: expect.stringContaining('GET /object_info') });
});

test('what is in API format already is written as it is', async () => {
  const graph = { '1': { class_type: 'Number', inputs: { value: 1 } } };
  const api = await save('made.json', JSON.stringify(graph));
  expect(await convert(api)).toMatchObject({ code: 0, errors: '' });
  expect(JSON.parse(await readFile(join(dir, 'made.api.json'), 'utf8'))).toMatchObject(graph);
});
