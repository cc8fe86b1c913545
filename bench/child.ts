import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

/** A child process of the bench: a server under test, or a process that puts load on it. */
export interface Child {
  readonly pid: number;
  /** The text that `ready` captured: the server's URL. */
  readonly url: string;
  /** The time from its start until it was ready. */
  readonly readyMs: number;
  /** Calls a handler in the child over the IPC channel, see rpc.ts. */
  call<T>(name: string, args: unknown, answer: z.ZodType<T>): Promise<T>;
  /** Stops it with SIGTERM, or SIGKILL when that does not help, and waits until it has ended. */
  stop(): Promise<void>;
}

export interface ChildOptions {
  /** The path of the script from the project's root, and its arguments. */
  args: string[];
  env?: Record<string, string>;
  /** Matches the output that shows that it is ready. The first group becomes `url`. */
  ready: RegExp;
  /** Whether it answers calls about its memory and CPU time, see probe.ts. */
  probe?: boolean;
  /** The most files and sockets that it may have open. Default: the limit of the bench itself. */
  openFiles?: number;
}

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;
const root = fileURLToPath(new URL('..', import.meta.url));

const replySchema = z.union([
  z.object({ id: z.int(), error: z.string() }),
  z.object({ id: z.int(), result: z.unknown() }),
]);

/** Of this process's environment. What Node has compiled is there in tests only: a bench starts the product without. */
function passedOn(): Record<string, string> {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE } = process.env;
  return { PATH, HOME, ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }) };
}

/** Starts a script with the Node that runs the bench, and resolves when it is ready. */
export async function startChild({ args, env = {}, ready, probe = true, openFiles }: ChildOptions): Promise<Child> {
  const began = performance.now();
  const before = probe ? ['--expose-gc', '--import', new URL('probe.ts', import.meta.url).href] : [];
  const node = [process.execPath, ...before, ...args];
  // A shell sets the limit and then becomes Node with `exec`, since Node cannot limit itself.
  const command = openFiles ? ['/bin/sh', '-c', `ulimit -n ${openFiles} && exec "$@"`, 'sh', ...node] : node;
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: root,
    env: { ...passedOn(), NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const killWithUs = () => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  child.once('close', () => process.off('exit', killWithUs));
  const pending = answersOf(child, args.join(' '));
  try {
    const found = await outputOf(child, ready);
    const readyMs = performance.now() - began;
    let calls = 0;
    return {
      pid: child.pid ?? 0,
      url: found[1] ?? '',
      readyMs,
      async call(call, callArgs, answer) {
        const id = ++calls;
        const reply = Promise.withResolvers<unknown>();
        pending.set(id, reply);
        child.send({ id, call, args: callArgs });
        return answer.parse(await reply.promise);
      },
      stop: () => stop(child),
    };
  } catch (error) {
    await stop(child);
    throw error;
  }
}

function answersOf(child: ChildProcess, name: string) {
  const pending = new Map<number, PromiseWithResolvers<unknown>>();
  child.on('message', (message) => {
    const reply = replySchema.safeParse(message);
    if (!reply.success) return;
    const { data } = reply;
    const waiting = pending.get(data.id);
    pending.delete(data.id);
    if ('error' in data) waiting?.reject(new Error(`${name}: ${data.error}`));
    else waiting?.resolve(data.result);
  });
  child.once('close', (code, signal) => {
    for (const { reject } of pending.values()) reject(new Error(`${name} ended with ${code ?? signal}`));
  });
  return pending;
}

/**
 * Waits until the output so far matches. The output is read until the process ends, so that a full pipe never blocks
 * it.
 */
function outputOf(child: ChildProcess, wanted: RegExp): Promise<RegExpExecArray> {
  return new Promise<RegExpExecArray>((resolve, reject) => {
    let text = '';
    const timer = setTimeout(
      () => reject(new Error(`not within ${READY_TIMEOUT_MS} ms: ${wanted}\n${text}`)),
      READY_TIMEOUT_MS,
    );
    const take = (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-10_000);
      const found = wanted.exec(text);
      if (!found) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code ?? signal}:\n${text}`));
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await closed;
  clearTimeout(timer);
}
