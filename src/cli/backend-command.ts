import { Command } from 'commander';
import type { OperatorSession } from '../app/open-backend-operator.ts';
import type { BackendOperator, SeenBackend } from '../backends/backends.ts';
import { GatewayError } from '../core/errors.ts';
import { textTable } from './text-table.ts';

export interface BackendCommandOptions {
  /** Connects to the installation. Its errors are shown to the person at the terminal. */
  open(): Promise<OperatorSession>;
  write(text: string): void;
  now?: () => number;
}

/**
 * `comfygate backend`: lists, drains, resumes and forgets ComfyUI servers. Exits with 1 for a name that no worker has
 * reported.
 */
export function createBackendCommand({ open, write, now = Date.now }: BackendCommandOptions): Command {
  const backend = new Command('backend')
    .description('the ComfyUI servers: list them, take one out of service, put it back or forget it')
    .addHelpText(
      'after',
      '\nIt talks to the Redis of REDIS_URL, or to that of an `npm start` on DATA_DIR. ' +
        'Names are those of COMFYUI_URLS.',
    );

  backend
    .command('list')
    .description('print each server with its status, version, queue, devices and when it was last reached')
    .option('--json', 'print them as JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      await using session = await open();
      const seen = await session.operator.backends();
      write(json ? `${JSON.stringify(seen.map(asJson), null, 2)}\n` : table(seen, now()));
    });

  backend
    .command('drain')
    .description('give a server no new work, before it is stopped or updated; what runs there finishes')
    .argument('<name>', 'its name')
    .action((name: string, _options: unknown, command: Command) =>
      change(command, async (operator) => {
        await operator.drain(name);
        write(`${name} drains: it gets no new work, and is idle when \`backend list\` shows DRAINING, 0 and 0.\n`);
      }),
    );

  backend
    .command('resume')
    .description('give a drained server work again')
    .argument('<name>', 'its name')
    .action((name: string, _options: unknown, command: Command) =>
      change(command, async (operator) => {
        await operator.resume(name);
        write(`${name} gets work again.\n`);
      }),
    );

  backend
    .command('forget')
    .description('remove a server that is no longer configured: jobs that only it can run are given up')
    .argument('<name>', 'its name')
    .action((name: string, _options: unknown, command: Command) =>
      change(command, async (operator) => {
        await operator.forget(name);
        write(`${name} is forgotten.\n`);
      }),
    );

  async function change(command: Command, act: (operator: BackendOperator) => Promise<void>) {
    await using session = await open();
    try {
      await act(session.operator);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      command.error(`error: ${error.message}`, { exitCode: 1 });
    }
  }

  return backend;
}

function asJson({ name, status, comfyuiVersion, queued, running, devices, lastSeenAt, message }: SeenBackend) {
  const lastSeen = lastSeenAt === 0 ? null : new Date(lastSeenAt).toISOString();
  return { name, status, comfyuiVersion, queued, running, devices, lastSeenAt: lastSeen, message };
}

function table(seen: readonly SeenBackend[], now: number): string {
  if (seen.length === 0) return 'No worker has reported a ComfyUI yet.\n';
  return textTable([
    ['NAME', 'STATUS', 'VERSION', 'QUEUED', 'RUNNING', 'LAST SEEN', 'DEVICES'],
    ...seen.map(({ name, status, comfyuiVersion, queued, running, lastSeenAt, devices, message }) => [
      name,
      status,
      comfyuiVersion ?? '-',
      String(queued),
      String(running),
      lastSeenAt === 0 ? 'never' : `${Math.max(0, Math.round((now - lastSeenAt) / 1000))} s ago`,
      message ?? (devices.join(', ') || '-'),
    ]),
  ]);
}
