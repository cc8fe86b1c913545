import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { startProgram } from './process.ts';

const run = promisify(execFile);

/** What a network with a proxy or a registry of its own needs; everything else of the environment is left out. */
const OF_THE_NETWORK = /^(?:https?_proxy|no_proxy|npm_config_registry|node_extra_ca_certs)$/i;

/**
 * A machine of somebody who has Node and npm, a shell and Redis, and nothing else: an empty home folder, and a PATH
 * with these alone. Its Node is the one of the system rather than that of the project, which is newer.
 */
export async function freshMachine() {
  const folder = await mkdtemp(join(tmpdir(), 'comfygate-fresh-'));
  const [bin, home] = [join(folder, 'bin'), join(folder, 'home')];
  for (const path of [bin, home]) await mkdir(path);
  for (const name of ['node', 'npm', 'npx', 'sh', 'redis-server']) await symlink(ofTheSystem(name), join(bin, name));
  const network = Object.entries(process.env).filter(([name]) => OF_THE_NETWORK.test(name));
  const env = { ...Object.fromEntries(network), HOME: home, npm_config_update_notifier: 'false' };

  return {
    folder,
    /** Runs a program to its end and returns its output. Rejects with both outputs where it fails. */
    async run(cwd: string, program: string, args: readonly string[], path = bin): Promise<string> {
      await mkdir(cwd, { recursive: true });
      const { stdout } = await run(program, args, { cwd, env: { ...env, PATH: path }, timeout: 280_000 });
      return stdout;
    },
    start: (cwd: string, program: string, args: string[], own: Record<string, string>) =>
      startProgram(program, args, { ...env, PATH: bin, ...own }, cwd),
  };
}

/** The first on the PATH that is no package's. */
function ofTheSystem(name: string): string {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((path) => !path.includes('node_modules'));
  const found = folders.map((path) => join(path, name)).find(isExecutable);
  if (found === undefined) throw new Error(`there is no ${name} on the PATH`);
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
