import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { call } from './client.ts';

const main = fileURLToPath(new URL('../../src/simulator/main.ts', import.meta.url));
let child: ChildProcess | undefined;

afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

/** Starts it on a free port, with a channel to us, and reads the address from its line. */
async function start(): Promise<{ running: ChildProcess; url: string }> {
  const running = spawn(process.execPath, [main, '--port', '0', '--speed', 'Infinity'], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  child = running;
  if (!running.stdout) throw new Error('no output to read');
  const [line] = await once(running.stdout, 'data');
  const url = /^simulated ComfyUI on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(String(line))?.[1];
  if (url === undefined) throw new Error(`unexpected line: ${line}`);
  return { running, url };
}

test.for(['SIGINT', 'SIGTERM'] as const)('serves, and ends cleanly on %s', async (signal) => {
  const { running, url } = await start();
  expect((await call(url, 'GET', '/prompt')).json).toEqual({ exec_info: { queue_remaining: 0 } });
  running.kill(signal);
  expect(await once(running, 'exit')).toEqual([0, null]);
});

test('ends when its parent lets go of the channel', async () => {
  const { running } = await start();
  running.disconnect();
  expect(await once(running, 'exit')).toEqual([0, null]);
});

test('refuses bad options with a usage line', async () => {
  const running = spawn(process.execPath, [main, '--speed', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  child = running;
  let text = '';
  running.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  expect(await once(running, 'close')).toEqual([2, null]);
  expect(text).toContain('usage:');
});
