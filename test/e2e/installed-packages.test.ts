import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { freePort } from '../support/free-port.ts';
import { freshMachine } from '../support/fresh-machine.ts';
import { removeFolder } from '../support/process.ts';

const root = join(import.meta.dirname, '../..');
const MINUTES = 60_000;
const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];

let machine: Awaited<ReturnType<typeof freshMachine>>;
let tarballs: { [name: string]: string };

beforeAll(async () => {
  machine = await freshMachine();
  // `npm test` has built the product, and other tests run it.
  const built = process.env.PRODUCT_MAIN === undefined ? [] : ['--built'];
  const args = [join(root, 'scripts/pack.ts'), '--to', join(machine.folder, 'packed'), ...built];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  process.stdout.write(stdout);
  const files = await readdir(join(machine.folder, 'packed'));
  tarballs = Object.fromEntries(files.map((name) => [name.replace(/-\d.*/, ''), join(machine.folder, 'packed', name)]));
  return () => removeFolder(machine.folder);
}, 3 * MINUTES);

const tarball = (name: string) => tarballs[name] ?? `no tarball of ${name}`;

const answerSchema = z.object({
  data: z.object({
    generate: z.object({ job: z.object({ status: z.string(), artifacts: z.array(z.object({ url: z.url() })) }) }),
  }),
});
const generate = `mutation { generate(input: { idempotencyKey: "first", waitSeconds: 60, workflow: {
  textToImage: { prompt: "a lighthouse at dusk", steps: 2 } } }) { job { status artifacts { url } } } }`;

test(
  'comfygate makes a project by npx, starts in it with Node and nothing else, and makes a picture',
  async () => {
    const folder = join(machine.folder, 'comfygate');
    await machine.run(folder, 'npm', ['install', ...quiet, tarball('comfygate')]);
    expect(await machine.run(folder, 'npx', ['comfygate', 'init', 'project'])).toContain('cd project\n');
    const project = join(folder, 'project');

    const port = String(await freePort());
    const started = machine.start(project, 'npm', ['start'], { PORT: port });
    try {
      await started.until('GraphiQL: http', 60_000);
      expect(started.output()).toContain('settings come from .env');
      expect(started.output()).toContain(`storage in ${join(project, 'data')}`);
      const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ query: generate }),
      });
      const { job } = answerSchema.parse(await response.json()).data.generate;
      expect(job.status).toBe('SUCCEEDED');
      const picture = await fetch(job.artifacts[0]?.url ?? 'no artifact');
      expect(
        Buffer.from(await picture.arrayBuffer())
          .subarray(1, 4)
          .toString(),
      ).toBe('PNG');
      // The workflows are those of the project rather than those that the package brings.
      const schema = await machine.run(project, join(folder, 'node_modules/.bin/comfygate'), ['schema']);
      expect(schema).toContain('input TextToImageInput');
      expect(schema).not.toContain('input UpscaleInput');
      const studio = await fetch(`http://127.0.0.1:${port}/`, { headers: { Accept: 'text/html' } });
      expect(await studio.text()).toContain('<script type="module"');
      expect((await fetch(`http://127.0.0.1:${port}/docs/simulator`)).status).toBe(200);
    } finally {
      await started.stop();
    }
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed');
  },
  6 * MINUTES,
);

const program = `
import { startSimulator } from 'comfyui-simulator';
const comfyui = await startSimulator({ speed: Infinity });
comfyui.faults.set({ refusePrompt: 503 });
const { status } = await fetch(new URL('/prompt', comfyui.url), { method: 'POST', body: '{"prompt":{}}' });
const { system } = await (await fetch(new URL('/system_stats', comfyui.url))).json();
console.log(status, system.comfyui_version);
await comfyui.close();
`;

test(
  'comfyui-simulator, installed, runs as a command and in a program of its own',
  async () => {
    const app = join(machine.folder, 'app');
    await machine.run(app, 'npm', ['install', ...quiet, tarball('comfyui-simulator')]);
    await writeFile(join(app, 'program.mjs'), program);
    expect(await machine.run(app, process.execPath, ['program.mjs'])).toBe('503 0.33.0\n');

    const bin = join(app, 'node_modules/comfyui-simulator/bin.mjs');
    const running = machine.start(app, process.execPath, [bin, '--port', '0'], {});
    await running.until(/simulated ComfyUI on http:\/\/127\.0\.0\.1:\d+\n/);
    const url = /http\S+/.exec(running.output())?.[0] ?? '';
    expect(JSON.parse(await machine.run(app, process.execPath, [bin, 'faults', 'hold', '--url', url]))).toEqual({
      hold: true,
    });
    expect(await running.stop()).toBe(0);
  },
  6 * MINUTES,
);
