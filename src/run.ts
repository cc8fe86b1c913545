import type { Logger } from 'pino';
import { type Config, ConfigError, loadConfig } from './config.ts';
import { DataDirError } from './embedded/data-dir.ts';
import { createLog } from './observability/log.ts';
import { runUntilStopped, type Shutdown } from './shutdown.ts';
import { CatalogueError } from './workflows/catalogue-error.ts';

/** Exit code where what was given cannot be used: trying again changes nothing (sysexits.h EX_CONFIG). */
const EX_CONFIG = 78;

/** Runs a role with the environment's configuration until it is told to stop; a start that fails says why and exits. */
export async function runRole(
  env: NodeJS.ProcessEnv,
  start: (config: Config, log: Logger, shutdown: Shutdown) => Promise<void>,
): Promise<void> {
  try {
    const config = loadConfig(env);
    const readable = process.stderr.isTTY === true;
    const log = createLog({ level: config.logLevel, readable, secrets: secretsOf(config) });
    await runUntilStopped(log, config.shutdownTimeoutMs, (shutdown) => start(config, log, shutdown));
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exit(error instanceof ConfigError || error instanceof CatalogueError ? EX_CONFIG : 1);
  }
}

/** What no line may show, wherever it comes from. */
function secretsOf({ redis, s3, folder, tracing }: Config): string[] {
  const password = redis.url?.match(/\/\/[^/@]*?:(.*)@/)?.[1];
  const secrets = [
    password,
    s3?.accessKey,
    s3?.secretKey,
    folder.signingSecret,
    ...Object.values(tracing?.headers ?? {}),
  ];
  return secrets.filter((secret) => secret !== undefined);
}

/** A start that failed, as a person is to read it. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return `The configuration cannot be used:\n  ${error.problems.join('\n  ')}`;
  if (error instanceof CatalogueError || error instanceof DataDirError) return error.message;
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}\nSomething else listens there: stop it, or choose another PORT.`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
