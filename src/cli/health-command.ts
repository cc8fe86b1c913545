import { Command } from 'commander';
import * as z from 'zod';

export interface HealthCommandOptions {
  /** Its ADMIN_HOST, ADMIN_PORT, HOST and PORT give the default address. */
  env: Readonly<Record<string, string | undefined>>;
  write(text: string): void;
  /** Prints an error and lets the command end with exit code 1. */
  fail(text: string): void;
}

const TIMEOUT_MS = 4_000;
const MAX_ANSWER_BYTES = 1_000_000;

/** The answers of all health endpoints. A simulator, which answers something else, also passes. */
const answerSchema = z.looseObject({
  status: z.string().optional(),
  message: z.string().optional(),
  reasons: z.array(z.string()).default([]),
  checks: z
    .array(z.object({ name: z.string(), status: z.string(), message: z.string().nullable(), since: z.string() }))
    .default([]),
});
type Answer = z.output<typeof answerSchema>;

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
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' }).catch((cause) => {
    const late = cause instanceof Error && cause.name === 'TimeoutError';
    throw new Error(late ? `${url} did not answer within ${TIMEOUT_MS / 1000} s` : `${url} cannot be reached`, {
      cause,
    });
  });
  const text = await response.text();
  const answer = text.length <= MAX_ANSWER_BYTES ? answerSchema.safeParse(parse(text)).data : undefined;
  // A health endpoint that answers with an error has a status; any other page, such as a 404, has none.
  if (!answer || (!response.ok && answer.status === undefined))
    throw new Error(`${url} answered ${response.status}, and no health: expected an address of a gateway or worker`);
  return { isHealthy: response.ok, answer };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describe({ status = 'OK', message, reasons, checks, worker }: Answer): string {
  const lines = [status, ...(message ? [message] : []), ...reasons.map((reason) => `  ${reason}`)];
  const inner = answerSchema.safeParse(worker).data;
  for (const check of [...checks, ...(inner?.checks.map((each) => ({ ...each, name: `worker ${each.name}` })) ?? [])]) {
    const line = `${check.name.padEnd(15)}  ${check.status.padEnd(9)}  since ${check.since}  ${check.message ?? ''}`;
    lines.push(`  ${line.trimEnd()}`);
  }
  // Messages may hold text of ComfyUI servers, which must not control the terminal.
  return `${lines.map((line) => line.replace(/\p{Cc}/gu, ' ')).join('\n')}\n`;
}
