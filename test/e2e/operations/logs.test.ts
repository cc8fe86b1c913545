import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { productMain, startProduct } from '../../support/process.ts';
import { eventually, openProduct } from '../../support/product.ts';

const root = new URL('../../../', import.meta.url).pathname;

test('C22: a log that goes to a full disk costs its lines, and no job', async (context) => {
  const product = await openProduct(context);
  const gateway = await product.gateway();
  const full = openSync('/dev/full', 'w');
  const port = await freePort();
  const worker = spawn(process.execPath, [productMain, 'worker'], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', ...product.env, ADMIN_PORT: String(port), LOG_LEVEL: 'trace' },
    stdio: ['ignore', 'ignore', full],
  });
  const exited = new Promise((resolve) => worker.once('exit', resolve));
  context.onTestFinished(() => void worker.kill('SIGKILL'));
  const job = await gateway.generate();
  expect((await gateway.watch(job.id).end()).job.status).toBe('SUCCEEDED');
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  worker.kill('SIGTERM');
  expect(await exited).toBe(0);
}, 120_000);

test('one job can be followed by its ids through all logs; an outage of Redis is a few lines', async (context) => {
  const product = await openProduct(context);
  const path = join(product.env.DATA_DIR ?? '', 'audit.log');
  const gateway = await product.gateway({ AUDIT_LOG: path });
  const worker = await product.worker();
  const job = await gateway.generate();
  await gateway.watch(job.id).end();
  const read = () =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  await eventually(() => read().length === 1, 'the audit entry is there');
  // Its watcher hears of the end before the worker writes a line of it.
  await worker.until('"msg":"job done"');
  const [entry] = read();
  const address = expect.stringMatching(/^(?:::ffff:)?127\.0\.0\.1$|^::1$/);
  expect(entry).toMatchObject({ action: 'generate', outcome: 'accepted', caller: 'anonymous', address, jobId: job.id });
  const about = worker
    .output()
    .split('\n')
    .filter((line) => line.includes(job.id))
    .map((line) => JSON.parse(line));
  expect(about).toContainEqual(expect.objectContaining({ msg: 'job done', requestId: entry.requestId }));

  const accepted = gateway.process
    .output()
    .split('\n')
    .filter((line) => line.includes(job.id))
    .map((line) => JSON.parse(line));
  expect(accepted).toEqual([
    expect.objectContaining({ msg: 'job accepted', requestId: entry.requestId, replayed: false }),
  ]);

  const before = gateway.process.output().length;
  await product.redis.kill();
  const began = performance.now();
  while (performance.now() - began < 3_000) await gateway.post('{ jobs { edges { cursor } } }');
  await product.redis.restart();
  await gateway.process.until('"msg":"redis connection back"');
  const lines = gateway.process
    .output()
    .slice(before)
    .split('\n')
    .filter((line) => line.startsWith('{'));
  expect(lines.length).toBeLessThan(10);
}, 120_000);

test('draining a server is in the audit log; an audit log that cannot be opened stops the start', async (context) => {
  const product = await openProduct(context);
  await product.worker();
  const path = join(product.env.DATA_DIR ?? '', 'audit.log');
  await eventually(async () => (await product.admin.zcard(product.keys.backends)) === 1, 'the server is reported');
  for (const action of ['drain', 'resume']) {
    expect(await startProduct(['backend', action, 'comfy1'], { ...product.env, AUDIT_LOG: path }).exited).toBe(0);
  }
  expect(await startProduct(['backend', 'drain', 'comfy9'], { ...product.env, AUDIT_LOG: path }).exited).toBe(1);
  const told = readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const caller = expect.stringMatching(/^operator:/);
  expect(told).toMatchObject([
    { action: 'drain', outcome: 'done', caller, backend: 'comfy1' },
    { action: 'resume', outcome: 'done', caller, backend: 'comfy1' },
    { action: 'drain', outcome: 'refused', code: 'NOT_FOUND', caller, backend: 'comfy9' },
  ]);
  const unwritten = startProduct(['backend', 'drain', 'comfy1'], { ...product.env, AUDIT_LOG: '/dev/full' });
  expect(await unwritten.exited).toBe(0);
  expect(unwritten.output()).toContain('the audit log cannot be written: entries are lost');
  const refused = startProduct(['gateway'], { ...product.env, PORT: '0', AUDIT_LOG: '/nowhere/audit.log' });
  expect(await refused.exited).toBe(78);
  expect(refused.output()).toContain('AUDIT_LOG: expected stdout, stderr or a file that can be written (ENOENT)');
}, 120_000);

test('an operator who runs failed jobs again is in the audit log, and who owns them is not', async (context) => {
  const product = await openProduct(context);
  const gateway = await product.gateway();
  const job = await gateway.generate({ input: { deadlineSeconds: 1 } });
  await gateway.watch(job.id).end();
  const path = join(product.env.DATA_DIR ?? '', 'audit.log');
  expect(await startProduct(['jobs', 'retry', job.id], { ...product.env, AUDIT_LOG: path }).exited).toBe(0);
  const refused = job.id.replace(/.$/, (last: string) => (last === '0' ? '1' : '0'));
  for (const args of [[refused], [refused, '--dry-run']]) {
    expect(await startProduct(['jobs', 'retry', ...args], { ...product.env, AUDIT_LOG: path }).exited).toBe(1);
  }
  const [entry, ...more] = readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const caller = expect.stringMatching(/^operator:/);
  expect(entry).toMatchObject({ action: 'retry', outcome: 'accepted', caller, retryOf: job.id });
  expect(more).toMatchObject([{ action: 'retry', outcome: 'refused', code: 'NOT_FOUND', caller, retryOf: refused }]);
  expect(entry.requestId).toMatch(/^operator-/);
}, 120_000);

test('an audit log on standard output has nothing else there', async (context) => {
  const product = await openProduct(context);
  const gateway = spawn(process.execPath, [productMain, 'gateway'], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', ...product.env, PORT: String(await freePort()), AUDIT_LOG: 'stdout' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  context.onTestFinished(() => void gateway.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  gateway.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  gateway.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  await eventually(() => /GraphiQL: http.*\n/.test(stderr), 'the gateway says where it is');
  const url = /GraphiQL: (\S+)/.exec(stderr)?.[1] ?? '';
  await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'mutation { deleteJob(id: "none") }' }),
  });
  await eventually(() => stdout.endsWith('\n'), 'the entry is there');
  expect(JSON.parse(stdout)).toMatchObject({ action: 'delete', outcome: 'refused', code: 'NOT_FOUND' });
}, 120_000);
