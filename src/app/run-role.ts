import type { Logger } from 'pino';
import { PlansError } from '../callers/plans-file.ts';
import { type Config, ConfigError, loadConfig } from '../config/config.ts';
import { secretsIn } from '../config/secrets.ts';
import { DataDirError } from '../embedded/data-dir.ts';
import { createLog, formatFor, LOG_OUTPUT } from '../observability/log.ts';
import { createOutputs, type Outputs } from '../observability/outputs.ts';
import { createScrub, type Scrub } from '../observability/scrub.ts';
import { CatalogueError } from '../workflows/catalogue.ts';
import { runUntilStopped, type Shutdown } from './shutdown.ts';

/** The exit code for a bad configuration (EX_CONFIG of sysexits.h): starting again would not help. */
const EX_CONFIG = 78;

/** The parts of a process that exist before its role starts. */
export interface RoleProcess {
  log: Logger;
  outputs: Outputs;
  /** Masks secrets in the log. Secrets that become known later must be added. */
  scrub: Scrub;
  shutdown: Shutdown;
}

/**
 * Runs a role with the configuration of the environment until a signal stops it. A failed start is explained on stderr.
 */
export async function runRole(
  env: NodeJS.ProcessEnv,
  start: (config: Config, roleProcess: RoleProcess) => Promise<void>,
): Promise<void> {
  const outputs = createOutputs();
  const stderr = outputs.open(LOG_OUTPUT);
  const scrub = createScrub();
  try {
    const config = loadConfig(env);
    for (const secret of secretsIn(config)) scrub.hide(secret);
    const log = createLog({
      level: config.logLevel,
      format: await formatFor(process.stderr),
      scrub,
      destination: stderr,
    });
    await runUntilStopped({ log, timeoutMs: config.shutdownTimeoutMs, exit: outputs.exit }, (shutdown) =>
      start(config, { log, outputs, scrub, shutdown }),
    );
  } catch (error) {
    stderr.write(`${explain(error, scrub)}\n`);
    await outputs.exit(
      error instanceof ConfigError || error instanceof CatalogueError || error instanceof PlansError ? EX_CONFIG : 1,
    );
  }
}

/** The message that a person gets when a start failed. */
function explain(error: unknown, scrub: Scrub): string {
  if (error instanceof ConfigError) return `The configuration cannot be used:\n  ${error.problems.join('\n  ')}`;
  if (error instanceof CatalogueError || error instanceof PlansError || error instanceof DataDirError) {
    return error.message;
  }
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}\nSomething else listens there: stop it, or choose another PORT.`;
  }
  if (error instanceof Error && 'syscall' in error && ['listen', 'getaddrinfo'].includes(String(error.syscall))) {
    return `${error.message}: set HOST, and ADMIN_HOST, to an address of this machine, such as 127.0.0.1`;
  }
  return scrub(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** For that person: who may call this gateway. */
export function describeAuth({ http: { auth = ['none'] } }: Config): string {
  if (auth.includes('none')) return 'Authentication: none (AUTH=none): whoever reaches the gateway may do everything';
  return `Authentication: ${auth.join(', ')}`;
}

/** For the person who started a gateway: where its pages and its API are. `url`: that of the API. */
export const addressLines = ({ graphql: { graphiql } }: Config, url: string) => [
  `Studio: ${new URL('/', url)}`,
  `${graphiql ? 'GraphiQL' : 'GraphQL'}: ${url}`,
];

/** Prints lines for the person who started the process, on stdout or, when the audit log goes there, on stderr. */
export function announce({ auditLog }: Config, outputs: Outputs, lines: readonly string[]): void {
  const stream = auditLog === 'stdout' ? outputs.open(LOG_OUTPUT) : process.stdout;
  stream.write(lines.map((line) => `${line}\n`).join(''));
}
