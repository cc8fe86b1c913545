import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNode } from './bootstrap/node.mjs';
import { bringPackages } from './bootstrap/packages.mjs';
import {
  bringChromium,
  bringJaeger,
  bringKubernetesValidate,
  bringKustomize,
  bringMinio,
  bringPromtool,
  bringRedis,
  bringVersitygw,
} from './bootstrap/programs.mjs';
import { SetupError, say } from './bootstrap/report.mjs';

/** The folder of the checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const BRING = {
  redis: bringRedis,
  minio: bringMinio,
  versitygw: bringVersitygw,
  chromium: bringChromium,
  promtool: bringPromtool,
  jaeger: bringJaeger,
  kustomize: bringKustomize,
  'kubernetes-validate': bringKubernetesValidate,
};

/**
 * Brings what a fresh machine lacks: the packages, and the programs named in `needs` (names in `BRING`). Runs on
 * Node 20 with nothing installed; says nothing and takes no time where nothing is missing. Exits with 1 where it cannot go on.
 * @returns {{ node: string, programs: Record<string, string | undefined> }} the Node that runs the project, and where the
 *   programs are
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
