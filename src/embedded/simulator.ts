import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { endChild, keepRunning } from './keep-running.ts';

export interface EmbeddedSimulator {
  /** `http://127.0.0.1:<port>`. It stays the same when the simulator was started again. */
  readonly url: string;
  readonly pid: number | undefined;
  close(): Promise<void>;
}

export interface EmbeddedSimulatorOptions {
  log: Logger;
  /** How much faster it is than a real sampler. Default: the simulator's own. */
  speed?: number;
}

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 3_000;

/**
 * Starts the simulated ComfyUI as a child on a free port of 127.0.0.1. Like the embedded Redis it has its own process
 * group. Its IPC channel closes when this process dies, so that it ends even when this process was killed.
 */
export async function startEmbeddedSimulator({ log, speed }: EmbeddedSimulatorOptions): Promise<EmbeddedSimulator> {
  let port = '0';
  const running = await keepRunning({
    name: 'simulator',
    stopTimeoutMs: STOP_TIMEOUT_MS,
    log,
    async start(signal) {
      const started = await start({ port, speed, signal });
      port = started.port;
      return started.child;
    },
  });
  return {
    url: `http://127.0.0.1:${port}`,
    get pid() {
      return running.pid;
    },
    close: running.close,
  };
}

async function start(options: { port: string; speed: number | undefined; signal: AbortSignal }) {
  // The simulator lies beside this folder: as .ts in the sources, as .js in a build.
  const main = fileURLToPath(new URL(`../simulator/main${extname(import.meta.url)}`, import.meta.url));
  const speed = options.speed === undefined ? [] : ['--speed', String(options.speed)];
  const child = spawn(process.execPath, [main, '--host', '127.0.0.1', '--port', options.port, ...speed], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  try {
    await once(child, 'spawn');
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
    return { child, port: await readPort(child, signal) };
  } catch (error) {
    await endChild(child, STOP_TIMEOUT_MS);
    throw error;
  }
}

/**
 * Waits for the line `simulated ComfyUI on http://127.0.0.1:<port>` and returns the port. Later output is discarded.
 */
function readPort(child: ChildProcess, signal: AbortSignal): Promise<string> {
  const { stdout } = child;
  if (!stdout) throw new Error('the simulator has no output to read');
  return new Promise<string>((resolve, reject) => {
    let text = '';
    stdout.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-4_000);
      const port = /simulated ComfyUI on http:\/\/127\.0\.0\.1:(\d+)\s/.exec(text)?.[1];
      if (port !== undefined) resolve(port);
    });
    child.once('exit', (code) => reject(new Error(`the simulator ended at its start with code ${code}`)));
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  }).finally(() => {
    stdout.removeAllListeners('data');
    stdout.resume();
  });
}
