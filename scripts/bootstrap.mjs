import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNode } from './bootstrap/node.mjs';
import { bringPackages } from './bootstrap/packages.mjs';
import {
  bringCaddy,
  bringChromium,
  bringJaeger,
  bringKubernetesValidate,
  bringKustomize,
  bringMinio,
  bringNginx,
  bringPromtool,
  bringRedis,
  bringRuntimes,
  bringSchemathesis,
  bringVersitygw,
} from './bootstrap/programs.mjs';
import { SetupError, say } from './bootstrap/report.mjs';

/** The folder of the checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Where Node keeps what it has compiled (NODE_COMPILE_CACHE): from the sources, a start takes two thirds of the
 * processor's time then.
 */
export const compileCache = join(root, 'node_modules', '.cache', 'compiled');

const BRING = {
  redis: bringRedis,
  minio: bringMinio,
  versitygw: bringVersitygw,
  chromium: bringChromium,
  promtool: bringPromtool,
  jaeger: bringJaeger,
  kustomize: bringKustomize,
  'kubernetes-validate': bringKubernetesValidate,
  nginx: bringNginx,
  caddy: bringCaddy,
  schemathesis: bringSchemathesis,
  runtimes: () => bringRuntimes(join(root, 'client', 'test', 'runtimes')),
};

/**
 * Installs what a fresh machine lacks: the npm packages, and the programs named in `needs` (keys of `BRING`). It runs
 * on Node 20 before anything is installed. Where nothing is missing it prints nothing and costs little time. It exits
 * with 1 where something that is required cannot be installed.
 * @returns {{ node: string, programs: Record<string, string | undefined> }} the path of the Node that runs the project,
 *   and the paths of the programs
 */
export function bootstrap(needs = []) {
  try {
    bringPackages(root);
    const node = findNode(root);
    const programs = Object.fromEntries(needs.map((name) => [name, BRING[name]()]));
    return { node, programs };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exit(1);
  }
}
