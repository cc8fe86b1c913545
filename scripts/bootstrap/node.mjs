import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { SetupError } from './report.mjs';

/** The oldest Node that runs TypeScript without a flag, as major and minor version. */
const OLDEST = [22, 18];

/**
 * The path of a Node that runs the project: the one that was installed with the npm packages, otherwise the one that
 * runs this script if it is new enough.
 */
export function findNode(root) {
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const brought = resolved(root, `node-${system}-${process.arch}/bin/node${system === 'win' ? '.exe' : ''}`);
  if (brought !== undefined && newEnough(versionOf(brought))) return brought;
  if (newEnough(process.versions.node)) return process.execPath;
  throw new SetupError(
    `Node ${OLDEST.join('.')} or newer is needed, this is ${process.versions.node}, and no newer one came with the ` +
      `packages for ${system}-${process.arch} (npm's omit=optional leaves it out). ` +
      'Install Node 24 from https://nodejs.org and try again.',
  );
}

/** The path of a file of a package, which npm may have put into a folder above; undefined where it is not installed. */
function resolved(root, file) {
  try {
    return createRequire(join(root, 'package.json')).resolve(file);
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Undefined where the program does not run, because it was built for another C library or its download was cut off. */
function versionOf(program) {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim().replace(/^v/, '') : undefined;
}

function newEnough(version) {
  if (version === undefined) return false;
  const [major, minor] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
