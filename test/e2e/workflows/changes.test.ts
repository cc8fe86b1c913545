import { randomUUID } from 'node:crypto';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { generated } from '../../support/gateway-client.ts';
import { startProduct } from '../../support/process.ts';
import { eventually, onlySimulator, openProduct } from '../../support/product.ts';
import { workflowsFolder } from '../../unit/workflows/folder.ts';

const shipped = new URL('../../../workflows/', import.meta.url).pathname;
const guide = await readFile(new URL('../../../docs/workflows.md', import.meta.url), 'utf8');
const canvas = Object.fromEntries(
  [...guide.matchAll(/```json file=canvas\/(\S+)\n(.*?)```/gs)].map(([, file = '', text = '']) => [file, text]),
);

const namesSchema = z.object({
  workflows: z.array(z.object({ name: z.string() })),
  __type: z.object({ inputFields: z.array(z.object({ name: z.string() })) }),
});
const BROKEN = '"msg":"workflows cannot be used as they are now"';

test('workflows come, change, break and go while a job runs and is watched', async (context) => {
  const dir = await workflowsFolder({});
  await cp(join(shipped, 'textToImage'), join(dir, 'textToImage'), { recursive: true });
  const product = await openProduct(context, { speed: 20, env: { WORKFLOWS_DIR: dir } });
  const simulator = onlySimulator(product);
  const gateway = await product.both();
  const lines = (text: string) =>
    gateway.process
      .output()
      .split('\n')
      .filter((line) => line.includes(text));

  /** What `workflows` lists and what the schema takes, which is the same. */
  async function names(): Promise<string[]> {
    const query = '{ workflows { name } __type(name: "WorkflowInput") { inputFields { name } } }';
    const { workflows, __type } = await gateway.ask(namesSchema, query);
    const listed = workflows.map(({ name }) => name);
    expect(__type.inputFields.map(({ name }) => name).filter((name) => name !== 'custom')).toEqual(listed);
    return listed;
  }
  const until = (expected: string[]) =>
    eventually(async () => String(await names()) === String(expected), `the workflows are ${expected}`);
  const draw = (parameters: object, key: string = randomUUID()) =>
    gateway.tryGenerate({ key, input: { workflow: { canvas: { color: 3, ...parameters } } } });

  // A job is under way, and waits at the gate.
  simulator.faults.set({ hold: true });
  const key = randomUUID();
  const running = await gateway.generate({ key });
  const watching = gateway.watch(running.id);
  await watching.until(({ job }) => job.status === 'RUNNING' && job.progress.node !== null);

  expect((await draw({})).errors[0]?.extensions.code).toBe('BAD_USER_INPUT');
  await mkdir(join(dir, 'canvas'));
  for (const [file, text] of Object.entries(canvas)) await writeFile(join(dir, 'canvas', file), text);
  await until(['canvas', 'textToImage']);
  const drawn = generated(await draw({ method: 'BICUBIC' }));

  // What the folder holds is another workflow now: what its callers may give follows, and its enum too.
  const manifest = canvas['manifest.json'] ?? '';
  await writeFile(join(dir, 'canvas', 'manifest.json'), manifest.replace('"bicubic"', '["CUBIC", "bicubic"]'));
  await eventually(async () => (await draw({ method: 'CUBIC' })).errors.length === 0, 'the enum has it');

  await writeFile(
    join(dir, 'canvas', 'manifest.json'),
    manifest.replace('"node": "1", "input": "color"', '"node": "7"'),
  );
  await eventually(() => lines(BROKEN).length > 0, 'the broken folder is told');
  expect(JSON.parse(lines(BROKEN)[0] ?? '')).toMatchObject({
    level: 'error',
    workflow: 'canvas',
    faults: [
      'canvas/manifest.json: parameters.color.targets.0.input: Invalid input: expected string, received undefined',
    ],
    kept: true,
  });
  expect((await draw({ method: 'CUBIC' })).errors).toEqual([]);
  await writeFile(join(dir, 'canvas', 'manifest.json'), manifest);
  await eventually(() => lines(`over: ${BROKEN.slice(7, -1)}`).length > 0, 'the mended folder is told');

  await rename(join(dir, 'textToImage'), join(dir, '.textToImage'));
  await until(['canvas']);
  const refused = await gateway.tryGenerate({ key: randomUUID() });
  expect(refused.errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', issues: [{ code: 'unknown_field' }] });

  // Nothing of all that has touched the job that waits, nor the connection of who watches it.
  simulator.faults.set({ hold: false });
  const ended = await watching.end();
  expect(ended.job).toMatchObject({ id: running.id, status: 'SUCCEEDED', attempts: 1 });
  expect([watching.closes, watching.subscriptions.length]).toEqual([[], 1]);
  await gateway.expectWhole(ended.job);
  expect((await gateway.watch(drawn.job.id).end()).job.status).toBe('SUCCEEDED');

  // A job of a workflow that is gone is run again as it was.
  const retried = await gateway.post(
    'mutation Retry($id: ID!, $key: String!) { retryJob(id: $id, idempotencyKey: $key) { job { id workflow } } }',
    { id: running.id, key: randomUUID() },
  );
  const schema = z.object({ retryJob: z.object({ job: z.object({ id: z.string(), workflow: z.string() }) }) });
  const { job } = schema.parse(retried.data).retryJob;
  expect(job.workflow).toBe('textToImage');
  expect((await gateway.watch(job.id).end()).job.status).toBe('SUCCEEDED');

  // Once it is back, its old key gives its old job.
  await rename(join(dir, '.textToImage'), join(dir, 'textToImage'));
  await until(['canvas', 'textToImage']);
  expect(generated(await gateway.tryGenerate({ key }))).toMatchObject({ replayed: true, job: { id: running.id } });
  expect(lines(BROKEN)).toHaveLength(1);
  await rm(join(dir, 'canvas'), { recursive: true });
  await until(['textToImage']);
}, 120_000);

test('the call that `workflow add` ends with works at once, and one that no gateway takes is told', async (context) => {
  const dir = await workflowsFolder({});
  await cp(join(shipped, 'textToImage'), join(dir, 'textToImage'), { recursive: true });
  const product = await openProduct(context, { env: { WORKFLOWS_DIR: dir } });
  const gateway = await product.both();
  const file = new URL('../../comfyui/recorded/workflows/30_text_to_image.json', import.meta.url).pathname;
  const add = async (name: string, env: { [name: string]: string }) => {
    const command = startProduct(['workflow', 'add', file, '--name', name], env);
    expect(await command.exited).toBe(0);
    return command.output();
  };
  const PUBLIC_URL = gateway.url;
  const printed = await add('portrait', { WORKFLOWS_DIR: dir, PUBLIC_URL });
  expect(printed).toContain(`The gateway at ${PUBLIC_URL} has taken it`);
  const answer = await gateway.post(printed.slice(printed.indexOf('mutation {')));
  expect(answer).toMatchObject({ data: { generate: { job: { status: 'SUCCEEDED' } } } });

  const elsewhere = await add('landscape', { WORKFLOWS_DIR: await workflowsFolder({}), PUBLIC_URL });
  expect(elsewhere).toContain(`The gateway at ${PUBLIC_URL} has not taken it`);
}, 60_000);
