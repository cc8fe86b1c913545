import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startScript, tempFolder } from '../support/process.ts';
import { startStopwatch } from '../support/stopwatch.ts';

const root = new URL('../../', import.meta.url).pathname;

/** A pipe that is full and that nobody reads. */
async function fullPipe(): Promise<string> {
  const folder = await tempFolder();
  onTestFinished(folder.remove);
  const path = join(folder.path, 'pipe');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(fd));
  try {
    for (;;) writeSync(fd, Buffer.alloc(4_096, 'x\n'));
  } catch {
    return path;
  }
}

/** Runs a role that does this and then waits. */
const roleThat = (does: string) => [
  '--input-type=module',
  '-e',
  `import { runRole } from './src/app/run-role.ts';
   await runRole(process.env, async (config, { log, outputs }) => {
     setInterval(() => undefined, 1_000);
     ${does}
     process.stdout.write('runs');
   });`,
];

test('a reader of the log who stops reading keeps no process from ending with 0', async () => {
  const stderr = openSync(await fullPipe(), 'w');
  onTestFinished(() => closeSync(stderr));
  const args = roleThat(`log.info('into the full pipe');`);
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', stderr] });
  onTestFinished(() => void child.kill('SIGKILL'));
  if (child.stdout) await once(child.stdout, 'data');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  'nor does one of the audit log, at %s, though he holds up a thread; the log is written to its end',
  async (signal) => {
    const path = await fullPipe();
    const child = startScript(roleThat(`outputs.open({ to: '${path}', gap: () => '' }).write('{}\\n');`), {});
    onTestFinished(() => child.kill());
    await child.until('runs');
    const elapsed = startStopwatch();
    child.signal(signal);
    await child.exited;
    expect(elapsed()).toBeLessThan(5_000);
    expect(child.output()).toContain('"msg":"stopping"');
  },
);

test('whoever is read ends with 0', async () => {
  const child = startScript(roleThat(''), {});
  onTestFinished(() => child.kill());
  await child.until('runs');
  expect(await child.stop()).toBe(0);
});

test.each([
  ['thrown', `setTimeout(() => { throw Object.assign(new Error('auth s3cret-s3cret'), { command }); }, 10);`],
  ['rejected', `void Promise.reject(Object.assign(new Error('auth s3cret-s3cret'), { command }));`],
])('what is %s and caught by nobody is one line of the log without secrets, and exit code 1', async (_how, does) => {
  const command = `const command = { name: 'auth', args: ['s3cret-s3cret'] };`;
  const child = startScript(roleThat(`${command} ${does}`), { REDIS_URL: 'redis://:s3cret-s3cret@127.0.0.1:1' });
  onTestFinished(() => child.kill());
  expect(await child.exited).toBe(1);
  const line = child.output().slice(child.output().indexOf('{'));
  expect(JSON.parse(line)).toMatchObject({ level: 'fatal', err: { message: 'auth [masked]' } });
  expect(child.output()).not.toContain('s3cret');
});

test('a start that fails says why without secrets', async () => {
  const child = startScript(
    roleThat(`throw new Error('cannot reach redis://u:s3cret-s3cret@host with s3cret-s3cret');`),
    {
      REDIS_URL: 'redis://:s3cret-s3cret@127.0.0.1:1',
    },
  );
  onTestFinished(() => child.kill());
  expect(await child.exited).toBe(1);
  expect(child.output()).toContain('cannot reach redis://u:[masked]@host with [masked]');
  expect(child.output()).not.toContain('s3cret');
});
