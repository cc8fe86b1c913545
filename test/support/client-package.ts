import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tempFolder } from './process.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');

/** What the client imports, and what its programs for Node 20 do. */
const BESIDE_IT = ['graphql', 'graphql-ws', 'ws'];

/** Builds and packs the client, and puts it into a folder node_modules, as npm would from its tarball. */
export async function packClient(nodeModules: string): Promise<void> {
  await run(process.execPath, [join(root, 'scripts', 'build-client.ts')]);
  const target = join(nodeModules, '@comfygate', 'client');
  await mkdir(target, { recursive: true });
  const folder = await tempFolder();
  try {
    const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder.path];
    const { stdout } = await run('npm', pack, { cwd: join(root, 'client') });
    const [{ filename }] = JSON.parse(stdout);
    await run('tar', ['xzf', join(folder.path, filename), '-C', target, '--strip-components=1']);
  } finally {
    await folder.remove();
  }
  for (const name of BESIDE_IT)
    await cp(join(root, 'node_modules', name), join(nodeModules, name), { recursive: true, dereference: true });
}
