import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, say } from './report.mjs';

/** Runs `npm ci` unless node_modules already holds what package-lock.json names. */
export function bringPackages(root) {
  if (installed(root)) return;
  say('installing packages (npm ci)');
  const { status, error } = npmCi(root);
  if (status !== 0) throw new SetupError(`npm ci failed${error ? `: ${error.message}` : ''}`);
}

/** Installs the packages that the lock file of this folder names. */
export function npmCi(cwd) {
  // npm names its own program to the scripts that it runs. On Windows plain `npm` is a script that needs a shell.
  const npm = process.env.npm_execpath;
  const args = [
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--loglevel=error',
  ];
  const [command, ...before] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  return spawnSync(command, [...before, ...args], { cwd, stdio: ['ignore', 2, 2] });
}

/**
 * Whether the installed packages are those of package-lock.json. npm writes node_modules/.package-lock.json as its last
 * step, so an interrupted installation is noticed, and a folder that is gone is noticed by itself. An optional package
 * may be absent: most are for other systems.
 */
function installed(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const present = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    const there = present[path];
    if (path === '' || (there === undefined && entry.optional)) return true;
    const same = there?.version === entry.version && there?.integrity === entry.integrity;
    return same && existsSync(join(root, path));
  });
}

function packagesOf(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  } catch {
    return undefined; // absent or cut off: `npm ci` then writes it, or reports that package-lock.json itself is invalid
  }
}
