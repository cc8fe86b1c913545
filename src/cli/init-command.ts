import { randomBytes } from 'node:crypto';
import { relative } from 'node:path';
import { Command } from 'commander';
import { InitError, initProject } from './init-project.ts';

/** `comfygate init`. */
export function createInitCommand({ version, write, fail }: InitCommandOptions): Command {
  return new Command('init')
    .description('make a project folder: workflows, .env, docker-compose.yml and package.json')
    .argument('[folder]', 'where; it is made when it is absent', '.')
    .action(async (folder: string) => {
      try {
        const secret = randomBytes(32).toString('hex');
        write(report(folder, await initProject({ folder, version, secret })));
      } catch (error) {
        const system = error instanceof Error && 'syscall' in error;
        if (!(error instanceof InitError) && !system) throw error;
        fail(`${error.message}\n`);
      }
    });
}

interface InitCommandOptions {
  /** Of comfygate, which the project depends on. */
  version: string;
  write(text: string): void;
  /** Prints an error and sets the exit code of the process. */
  fail(text: string): void;
}

function report(folder: string, written: readonly string[]): string {
  const path = relative('', folder);
  return `Made in ${path || 'this folder'}: ${written.join(', ')}

Next:
${path ? `  cd ${/^[\w./-]+$/.test(path) ? path : JSON.stringify(path)}\n` : ''}  npm install
  npm start                                 # prints the address of the page; Ctrl-C stops it

Your ComfyUI servers: COMFYUI_URLS in .env. Until it is set, a simulated one runs.
Your own workflow:    npx comfygate workflow add FILE
In containers:        docker compose up --build --wait   (docker-compose.yml says more)
`;
}
