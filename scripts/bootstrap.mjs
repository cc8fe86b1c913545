import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNode } from './bootstrap/node.mjs';
import { bringPackages } from './bootstrap/packages.mjs';
import { SetupError, say } from './bootstrap/report.mjs';

/** The folder of the checkout, or of the installed package. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Whether this is a checkout, which runs its sources; the package has what was built of them. */
export const isCheckout = existsSync(join(root, 'package-lock.json'));

/**
 * Where Node keeps what it has compiled (NODE_COMPILE_CACHE): from the sources, a start takes two thirds of the
 * processor's time then.
 */
export const compileCache = join(root, 'node_modules', '.cache', 'compiled');

/**
 * Installs what a fresh machine lacks: the npm packages of a checkout, and the programs in `needs`, functions that
 * return the path of a program and install it first where it is missing. It runs on Node 20 before anything is
 * installed. Where nothing is missing it prints nothing and costs little time. It exits with 1 where something that is
 * required cannot be installed.
 * @returns {{ node: string, programs: Record<string, string | undefined> }} the path of the Node that runs the project,
 *   and the paths of the programs
 */
export function bootstrap(needs = {}) {
  try {
    if (isCheckout) bringPackages(root);
    const node = findNode(root);
    const programs = Object.fromEntries(Object.entries(needs).map(([name, bring]) => [name, bring()]));
    return { node, programs };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exit(1);
  }
}
