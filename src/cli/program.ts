import { Command, InvalidArgumentError } from 'commander';
import type { Logger } from 'pino';
import { readVersion } from '../app/version.ts';
import { type Config, ConfigError, loadConfig } from '../config/config.ts';
import { describeConfig } from '../config/describe.ts';
import { isRedisDown } from '../redis/is-down.ts';
import { type FaultPatch, parseFault } from '../simulator/faults.ts';
import { createBackendCommand } from './backend-command.ts';
import { createInitCommand } from './init-command.ts';
import { createJobsCommand } from './jobs-command.ts';
import { createKeysCommand } from './keys-command.ts';
import { addWorkflowCommands } from './workflow-command.ts';

// Commands import what only they need when they run, so that each starts fast.

/** `comfygate` with all its commands, of which `health` is made elsewhere. `env`: its settings. */
export function createProgram(env: NodeJS.ProcessEnv, health: Command): Command {
  const program = new Command('comfygate')
    .description('A typed GraphQL gateway for ComfyUI: durable jobs, live progress, signed results.')
    .version(readVersion())
    .addHelpText('after', '\nSettings come from the environment: see `comfygate config` and .env.example.');

  program
    .command('start', { isDefault: true })
    .description(
      'all in one: gateway, worker, and an embedded part for each of REDIS_URL, COMFYUI_URLS, S3_ENDPOINT not set',
    )
    .action(async () => void (await import('../main.ts')));

  program
    .command('gateway')
    .description('the GraphQL server; any number of them (needs REDIS_URL, and S3_ENDPOINT or STORAGE_SHARED)')
    .action(async () => {
      const [{ addressLines, announce, describeAuth, runRole }, { startGatewayRole }] = await Promise.all([
        import('../app/run-role.ts'),
        import('../app/roles.ts'),
      ]);
      await runRole(env, async (config, context) => {
        const { graphqlUrl } = await startGatewayRole(config, context);
        announce(config, context.outputs, [describeAuth(config), ...addressLines(config, graphqlUrl)]);
      });
    });

  program
    .command('worker')
    .description(
      'runs jobs on ComfyUI; any number of them (needs REDIS_URL, COMFYUI_URLS, and S3_ENDPOINT or STORAGE_SHARED)',
    )
    .action(async () => {
      const [{ runRole }, { startWorkerRole }] = await Promise.all([
        import('../app/run-role.ts'),
        import('../app/roles.ts'),
      ]);
      await runRole(env, startWorkerRole);
    });

  const simulator = program
    .command('simulator')
    .description('a ComfyUI without a GPU, to develop and test against')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes a free one', numberBetween(0, 65_535), 8188)
    .option('--speed <factor>', 'how much faster than its own pace nodes run', numberBetween(0.01, 1e6), 1)
    .option('--fault <name=value>', 'a fault that is on from the start; repeatable', collectFaults, [])
    .addHelpText('after', '\nThe faults are listed in docs/simulator.md, and by `comfygate simulator faults nothing`.')
    .action(async (options: { host: string; port: number; speed: number; fault: FaultPatch[] }) => {
      const { runSimulator } = await import('../simulator/run-simulator.ts');
      await runSimulator({ ...options, faults: options.fault });
    });

  simulator
    .command('faults')
    .description('switch faults of a simulator that runs, and print those that are on')
    .argument('[name=value...]', 'such as hold, hold=false, httpStatus=503, restart=2000, reset', collectFaults, [])
    .option('--url <address>', 'where the simulator is', 'http://127.0.0.1:8188')
    .action(async (faults: FaultPatch[], { url }: { url: string }) => {
      const { setFaults } = await import('../simulator/set-faults.ts');
      try {
        process.stdout.write(`${JSON.stringify(await setFaults(url, faults), null, 2)}\n`);
      } catch (error) {
        program.error(`error: ${error instanceof Error ? error.message : String(error)}`);
      }
    });

  program.addCommand(health);

  program.addCommand(
    createBackendCommand({
      open: () =>
        reachInstallation(async ({ redis, auditLog }, url, log) => {
          const { openBackendOperator } = await import('../app/open-backend-operator.ts');
          return openBackendOperator({ url, prefix: redis.prefix, log, auditLog });
        }),
      write: (text) => process.stdout.write(text),
    }),
  );

  const terminal = {
    write: (text: string) => process.stdout.write(text),
    note: (text: string) => process.stderr.write(text),
    isUnreachable: isRedisDown,
  };
  const openJobs = () =>
    reachInstallation(async (...reached) => (await import('../app/open-job-operator.ts')).openJobOperator(...reached));
  program.addCommand(createJobsCommand({ open: openJobs, ...terminal }));

  const openKeys = () =>
    reachInstallation(async (...reached) => (await import('../app/open-key-operator.ts')).openKeyOperator(...reached));
  program.addCommand(createKeysCommand({ open: openKeys, ...terminal }));

  program.addCommand(
    createInitCommand({
      version: readVersion(),
      write: (text) => void process.stdout.write(text),
      fail: (text) => {
        process.stderr.write(text);
        process.exitCode = 1;
      },
    }),
  );

  addWorkflowCommands(program, {
    env,
    write: (text) => void process.stdout.write(text),
    note: (text) => void process.stderr.write(text),
    fail: (text, exitCode) => {
      process.stderr.write(text);
      process.exitCode = exitCode;
    },
  });

  program
    .command('schema')
    .description('print the GraphQL schema as SDL, with the workflows of WORKFLOWS_DIR; nothing has to run for it')
    .action(async () => {
      process.stdout.on('error', stopWhenUnread);
      const [{ schemaText }, { CatalogueError }] = await Promise.all([
        import('./print-schema.ts'),
        import('../workflows/catalogue.ts'),
      ]);
      try {
        const { workflowsDir, jobs } = loadConfig(env);
        process.stdout.write(await schemaText({ dir: workflowsDir, maxMegapixels: jobs.maxMegapixels }));
      } catch (error) {
        if (!(error instanceof ConfigError || error instanceof CatalogueError)) throw error;
        process.stderr.write(`${error.message}\n`);
        process.exitCode = 78;
      }
    });

  program
    .command('config')
    .description('print the effective configuration, secrets masked')
    .action(() => {
      try {
        process.stdout.write(`${describeConfig(loadConfig(env))}\n`);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        process.stderr.write(`${error.problems.join('\n')}\n`);
        process.exitCode = 78;
      }
    });

  return program;

  /**
   * Opens what a command needs on the Redis of REDIS_URL, or on that of an `npm start` on DATA_DIR. Nothing is logged:
   * an error ends the command with a message.
   */
  async function reachInstallation<T>(open: (config: Config, url: string, log: Logger) => Promise<T>): Promise<T> {
    process.stdout.on('error', stopWhenUnread);
    try {
      const config = loadConfig(env);
      const { redis, folder } = config;
      const [{ findEmbeddedRedis }, { pino }] = await Promise.all([import('../embedded/redis.ts'), import('pino')]);
      const url = redis.url ?? (await findEmbeddedRedis(folder.dataDir));
      if (url === null) {
        throw new Error(
          `REDIS_URL: expected a value, since nothing that \`npm start\` starts runs on ${folder.dataDir}`,
        );
      }
      return await open(config, url, pino({ level: 'silent' }));
    } catch (error) {
      const lines =
        error instanceof ConfigError ? error.problems : [error instanceof Error ? error.message : String(error)];
      return program.error(`error: ${lines.join('\n')}`);
    }
  }
}

/** Ends the command when the reader of its output has ended, as in `comfygate jobs list --json | head`. */
function stopWhenUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

function collectFaults(text: string, earlier: FaultPatch[]): FaultPatch[] {
  try {
    return [...earlier, parseFault(text)];
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function numberBetween(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= min && value <= max)) {
      throw new InvalidArgumentError(`expected ${min} to ${max}`);
    }
    return value;
  };
}
