import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { createInitCommand } from '../../../src/cli/init-command.ts';
import { checkRole, loadConfig } from '../../../src/config/config.ts';
import { loadCatalogue } from '../../../src/workflows/load.ts';
import { tempFolder } from '../../support/process.ts';

async function scratch(): Promise<string> {
  const { path, remove } = await tempFolder();
  onTestFinished(remove);
  return path;
}

/** Runs `comfygate init FOLDER`. */
async function init(folder: string) {
  const said = { output: '', failed: false };
  const command = createInitCommand({
    version: '1.2.3',
    write: (text) => {
      said.output += text;
    },
    fail: (text) => {
      said.output += text;
      said.failed = true;
    },
  });
  await command.parseAsync([folder], { from: 'user' });
  return said;
}

const settingsIn = async (folder: string) => parseEnv(await readFile(join(folder, '.env'), 'utf8'));
const packageSchema = z.looseObject({ name: z.string(), scripts: z.object({ start: z.string() }) });
const composeSchema = z.looseObject({
  name: z.string(),
  services: z.record(z.string(), z.looseObject({ environment: z.record(z.string(), z.string()).default({}) })),
});

test('makes a project that starts with its own workflows and a secret of its own', async () => {
  const folder = join(await scratch(), 'My Pictures');
  expect(await init(folder)).toMatchObject({
    failed: false,
    output: expect.stringMatching(/npm install\n {2}npm start/),
  });
  expect((await readdir(folder)).sort()).toEqual(
    ['.dockerignore', '.env', '.gitignore', 'Dockerfile', 'docker-compose.yml', 'package.json', 'workflows'].sort(),
  );
  const project = packageSchema.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')));
  expect(project).toMatchObject({ name: 'my-pictures', dependencies: { comfygate: '^1.2.3' } });
  expect(project.scripts.start).toBe('comfygate start');

  const env = await settingsIn(folder);
  expect(env).toEqual({ WORKFLOWS_DIR: './workflows', SIGNING_SECRET: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(() => checkRole(loadConfig(env), 'all')).not.toThrow();
  expect((await stat(join(folder, '.env'))).mode & 0o077).toBe(0);
  expect(await readFile(join(folder, '.gitignore'), 'utf8')).toContain('.env\n');
  const { workflows } = await loadCatalogue({ dir: join(folder, 'workflows'), maxMegapixels: 4 });
  expect(workflows.map(({ name }) => name)).toEqual(['textToImage']);

  const other = join(await scratch(), 'comfygate');
  await init(other);
  expect((await settingsIn(other)).SIGNING_SECRET).not.toBe(env.SIGNING_SECRET);
});

test('its compose file gives each role settings that it starts with', async () => {
  const folder = join(await scratch(), 'pictures');
  await init(folder);
  const text = await readFile(join(folder, 'docker-compose.yml'), 'utf8');
  const { name, services } = composeSchema.parse(parse(text, { merge: true }));
  expect(name).toBe('pictures');
  const env = await settingsIn(folder);
  // What compose puts in for a variable that .env does not set: the default, within which there may be another.
  const given = (value: string): string =>
    value.includes('${') ? given(value.replace(/\$\{\w+:-([^{}]*)\}/, (_, otherwise) => otherwise)) : value;
  for (const role of ['gateway', 'worker'] as const) {
    const own = Object.entries(services[role]?.environment ?? {}).map(([key, value]) => [key, given(value)]);
    const config = loadConfig({ ...env, ...Object.fromEntries(own), WORKFLOWS_DIR: join(folder, 'workflows') });
    expect(() => checkRole(config, role)).not.toThrow();
    expect(config.folder).toMatchObject({ shared: true, signingSecret: env.SIGNING_SECRET, dataDir: '/data' });
    if (role === 'gateway') expect(config.http).toMatchObject({ auth: ['keys'], publicUrl: 'http://localhost:4000' });
  }
});

test('overwrites nothing, says what is there, and leaves other files alone', async () => {
  const folder = await scratch();
  await mkdir(join(folder, 'workflows'));
  await writeFile(join(folder, 'package.json'), 'mine');
  const said = await init(folder);
  expect(said).toMatchObject({ failed: true, output: expect.stringContaining('already has workflows, package.json:') });
  expect(await readdir(folder)).toEqual(['package.json', 'workflows']);
  expect(await readFile(join(folder, 'package.json'), 'utf8')).toBe('mine');

  const second = await scratch();
  await writeFile(join(second, 'README.md'), 'mine');
  expect((await init(second)).failed).toBe(false);
  expect(await readFile(join(second, 'README.md'), 'utf8')).toBe('mine');
});

test('says what is wrong with a folder that cannot be made', async () => {
  const file = join(await scratch(), 'file');
  await writeFile(file, '');
  expect(await init(join(file, 'project'))).toMatchObject({ failed: true, output: expect.stringContaining('ENOTDIR') });
});
