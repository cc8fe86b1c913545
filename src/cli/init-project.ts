import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The shipped workflow that a project begins with, and the schema by which editors check manifests. */
const SAMPLE = ['textToImage', 'manifest.schema.json'];

/** The folder has files that the project would overwrite. The message says what to do. */
export class InitError extends Error {
  override readonly name = 'InitError';
}

/**
 * Makes a project folder: workflows/ with a sample, .env, docker-compose.yml with its Dockerfile and .dockerignore,
 * .gitignore and package.json. Other files of the folder stay as they are.
 * @param options.folder made when it is absent
 * @param options.version of comfygate that package.json asks for, and later ones that fit to it
 * @param options.secret signs the addresses of results, 32 to 1024 characters
 * @returns what was written, as paths from the folder
 * @throws {InitError} when one of these is there already; nothing is written then
 */
export async function initProject(options: { folder: string; version: string; secret: string }): Promise<string[]> {
  const folder = resolve(options.folder);
  const name = nameOf(folder);
  const compose = (await template('docker-compose.yml')).replaceAll('comfygate-project', name);
  const project = {
    name,
    private: true,
    scripts: { start: 'comfygate start' },
    dependencies: { comfygate: `^${options.version}` },
  };
  const files: Readonly<Record<string, string>> = {
    '.env': (await template('env.txt')).replace(/^SIGNING_SECRET=$/m, () => `SIGNING_SECRET=${options.secret}`),
    'docker-compose.yml': compose,
    Dockerfile: await template('Dockerfile'),
    '.dockerignore': '.env\ndata/\nnode_modules/\n',
    '.gitignore': '.env\ndata/\nnode_modules/\n',
    'package.json': `${JSON.stringify(project, null, 2)}\n`,
  };
  const names = ['workflows', ...Object.keys(files)];
  const there = await present(folder, names);
  if (there.length > 0) {
    throw new InitError(
      `${folder} already has ${there.join(', ')}: expected none of ${names.join(', ')}. ` +
        'Nothing was written. Name another folder: comfygate init FOLDER',
    );
  }
  await mkdir(folder, { recursive: true });
  for (const sample of SAMPLE) await cp(shipped(sample), join(folder, 'workflows', sample), { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    await writeFile(join(folder, file), text, { flag: 'wx', mode: file === '.env' ? 0o600 : 0o644 });
  }
  return names;
}

/** As npm and docker compose both take it: lower case letters, digits, - and _, with a letter first. */
function nameOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 60);
  // A package cannot depend on one of its own name.
  return name === '' || name === 'comfygate' ? 'comfygate-project' : name;
}

async function present(folder: string, names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(names.map((name) => isThere(join(folder, name))));
  return names.filter((_, i) => found[i]);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

function template(name: string): Promise<string> {
  return readFile(new URL(`./project/${name}`, import.meta.url), 'utf8');
}

function shipped(name: string): string {
  return fileURLToPath(new URL(`../../workflows/${name}`, import.meta.url));
}
