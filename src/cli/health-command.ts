import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Command } from 'commander';
import { isObject } from '../core/objects.ts';

export interface HealthCommandOptions {
  /** Its ADMIN_HOST, ADMIN_PORT, HOST and PORT give the default address. */
  env: Readonly<Record<string, string | undefined>>;
  write(text: string): void;
  /** Prints an error and lets the command end with exit code 1. */
  fail(text: string): void;
}

const TIMEOUT_MS = 4_000;
const MAX_ANSWER_BYTES = 1_000_000;

/** What a gateway or worker says of one thing that it needs, such as Redis. */
interface Check {
  name: string;
  status: string;
  message: string | null;
  since: string;
}

/** The answers of all health endpoints. That of a simulator is something else, and says that it answers. */
interface Answer {
  status?: string | undefined;
  message?: string | undefined;
  reasons: string[];
  checks: Check[];
  /** Where one process is both: what its worker says. */
  worker?: unknown;
}

/**
 * `comfygate health`: prints the health of a process, for people and for the health checks of containers. Exits with 0
 * when the process is healthy, and with 1 when it is not or does not answer within four seconds.
 */
export function createHealthCommand({ env, write, fail }: HealthCommandOptions): Command {
  return new Command('health')
    .description('ask a gateway or worker how it is; exit code 1 when it is not well')
    .option('--live', 'only whether it lives: what a restart would mend')
    .option('--ready', 'only whether it can do its work now')
    .option('--url <address>', 'what to ask, with or without a path (default: this machine, ADMIN_PORT or else PORT)')
    .option('--json', 'print the answer as JSON')
    .addHelpText(
      'after',
      '\nIn a container: `comfygate health --live`, or --ready where others wait for it. ' +
        'The private port (ADMIN_PORT) says the most.',
    )
    .action(async (options: { live?: true; ready?: true; url?: string; json?: true }) => {
      try {
        const path = options.live ? '/healthz' : options.ready ? '/readyz' : '/health';
        const url = options.url ? completeUrl(options.url, path) : defaultUrl(env, path);
        const { isHealthy, answer } = await readHealth(url);
        write(options.json ? `${JSON.stringify(answer, null, 2)}\n` : describe(answer));
        if (!isHealthy) fail('');
      } catch (error) {
        fail(`error: ${error instanceof Error ? error.message : String(error)}\n`);
      }
    });
}

/** Adds `path` to a URL that has no path. */
function completeUrl(url: string, path: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new Error(`--url: expected an address such as http://127.0.0.1:9464/health, got ${JSON.stringify(url)}`);
  }
  return new URL(url).pathname === '/' ? new URL(path, url).href : url;
}

/** The URL of the process on this machine. Throws where its port is 0, since the real port is then unknown. */
function defaultUrl(env: HealthCommandOptions['env'], path: string): string {
  const { ADMIN_PORT, ADMIN_HOST, PORT, HOST } = env;
  const [port, host] = ADMIN_PORT ? [ADMIN_PORT, ADMIN_HOST] : [PORT || '4000', HOST];
  if (port === '0') throw new Error(`${ADMIN_PORT ? 'ADMIN_PORT' : 'PORT'} is 0, a free port: expected --url`);
  const named = !host || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${named.includes(':') ? `[${named}]` : named}:${port}${path}`;
}

async function readHealth(url: string): Promise<{ isHealthy: boolean; answer: Answer }> {
  const { code, text } = await get(url);
  const answer = readAnswer(text === null ? undefined : parse(text));
  const isHealthy = code >= 200 && code < 300;
  // A health endpoint that answers with an error has a status; any other page, such as a 404, has none.
  if (!answer || (!isHealthy && answer.status === undefined))
    throw new Error(`${url} answered ${code}, and no health: expected an address of a gateway or worker`);
  return { isHealthy, answer };
}

/** The status and the text of what is at a URL; null where the text is longer than any health. */
async function get(url: string): Promise<{ code: number; text: string | null }> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const request = httpOf(url).get(url, { signal });
    // Whatever cuts it off is met where its answer is awaited or read.
    request.on('error', () => undefined);
    const [response] = await once(request, 'response');
    const answer: IncomingMessage = response;
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) break;
    }
    const text = bytes > MAX_ANSWER_BYTES ? null : Buffer.concat(chunks).toString();
    return { code: answer.statusCode ?? 0, text };
  } catch (cause) {
    const why = signal.aborted ? `did not answer within ${TIMEOUT_MS / 1000} s` : 'cannot be reached';
    throw new Error(`${url} ${why}`, { cause });
  }
}

/** Node loads its `fetch` where that or `node:http` is imported, which takes longer than all else that this does. */
function httpOf(url: string): typeof import('node:http') | typeof import('node:https') {
  return process.getBuiltinModule(url.startsWith('https:') ? 'node:https' : 'node:http');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Undefined where the value is none. By hand, since zod takes as long to load as all else here. */
function readAnswer(value: unknown): Answer | undefined {
  if (!isObject(value)) return undefined;
  const { status, message, reasons = [], checks = [] } = value;
  const isText = (each: unknown): each is string | undefined => each === undefined || typeof each === 'string';
  if (!isText(status) || !isText(message)) return undefined;
  if (!Array.isArray(reasons) || !reasons.every((each) => typeof each === 'string')) return undefined;
  if (!Array.isArray(checks) || !checks.every(isCheck)) return undefined;
  return { ...value, status, message, reasons, checks };
}

function isCheck(value: unknown): value is Check {
  if (!isObject(value)) return false;
  const { name, status, message, since } = value;
  return [name, status, since, message ?? ''].every((each) => typeof each === 'string') && message !== undefined;
}

function describe({ status = 'OK', message, reasons, checks, worker }: Answer): string {
  const lines = [status, ...(message ? [message] : []), ...reasons.map((reason) => `  ${reason}`)];
  const inner = readAnswer(worker);
  for (const check of [...checks, ...(inner?.checks.map((each) => ({ ...each, name: `worker ${each.name}` })) ?? [])]) {
    const line = `${check.name.padEnd(15)}  ${check.status.padEnd(9)}  since ${check.since}  ${check.message ?? ''}`;
    lines.push(`  ${line.trimEnd()}`);
  }
  // Messages may hold text of ComfyUI servers, which must not control the terminal.
  return `${lines.map((line) => line.replace(/\p{Cc}/gu, ' ')).join('\n')}\n`;
}
