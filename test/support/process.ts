import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** A process of the product, started like an operator would. */
export interface ProductProcess {
  readonly pid: number;
  /** All output so far. */
  output(): string;
  /** Resolves when its output matches. Rejects when the process ends or the time is over. */
  until(text: string | RegExp, timeoutMs?: number): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Kills it with SIGKILL and waits until it has ended. */
  kill(): Promise<void>;
  /** Stops it with SIGTERM and returns its exit code. */
  stop(timeoutMs?: number): Promise<number | null>;
  /** Resolves with its exit code. */
  exited: Promise<number | null>;
}

const root = new URL('../../', import.meta.url).pathname;

/**
 * The command `comfygate`. `npm test` sets PRODUCT_MAIN, and so tries what `npm run build` makes for production, which
 * starts in half of the time. vitest alone tries the sources.
 */
export const productMain = resolve(root, process.env.PRODUCT_MAIN ?? 'src/cli/main.ts');

/** Starts `comfygate <args>` with only this environment, in which PRODUCT_MAIN may name another main file. */
export function startProduct(args: string[], env: Record<string, string>): ProductProcess {
  return startScript([env.PRODUCT_MAIN ?? productMain, ...args], env);
}

/** Starts a script with the Node that runs the tests, and with what that Node has compiled before. */
export function startScript(args: string[], env: Record<string, string>): ProductProcess {
  const { NODE_COMPILE_CACHE } = process.env;
  return startProgram(process.execPath, args, { ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }), ...env });
}

/** Starts another program. */
export function startProgram(path: string, args: string[], env: Record<string, string>, cwd = root): ProductProcess {
  const child = spawn(path, args, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return follow(child);
}

function follow(child: ChildProcess): ProductProcess {
  let text = '';
  const listeners = new Set<() => void>();
  const collect = (chunk: Buffer) => {
    text += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const killWithTests = () => void child.kill('SIGKILL');
  process.once('exit', killWithTests);
  void exited.then(() => {
    process.off('exit', killWithTests);
    for (const listener of listeners) listener();
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the process could not be started');

  return {
    pid,
    exited,
    output: () => text,
    async until(wanted, timeoutMs = 20_000) {
      const found = () => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text));
      if (found()) return;
      const done = Promise.withResolvers<void>();
      const timer = setTimeout(
        () => done.reject(new Error(`not within ${timeoutMs} ms: ${wanted}\n${text}`)),
        timeoutMs,
      );
      const check = () => {
        if (found()) done.resolve();
        else if (child.exitCode !== null || child.signalCode !== null) {
          done.reject(new Error(`ended with ${child.exitCode ?? child.signalCode} before: ${wanted}\n${text}`));
        }
      };
      listeners.add(check);
      check();
      try {
        await done.promise;
      } finally {
        clearTimeout(timer);
        listeners.delete(check);
      }
    },
    signal: (name) => void child.kill(name),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop(timeoutMs = 30_000) {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      const code = await exited;
      clearTimeout(timer);
      return code;
    },
  };
}

/**
 * Removes the folder of a process that was killed. It tries repeatedly, since a child that is left, such as a Redis
 * that rewrites its file, may still write for a moment.
 */
export function removeFolder(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** A temporary folder for one test, and the function that removes it. */
export async function tempFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'comfygate-test-'));
  return { path, remove: () => removeFolder(path) };
}
