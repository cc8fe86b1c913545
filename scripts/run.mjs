// Runs the project's Node, also on a fresh checkout:
//   node scripts/run.mjs [--needs redis,minio,chromium] <arguments for Node>
import { PROGRAMS } from './bootstrap/programs.mjs';
import { bootstrap } from './bootstrap.mjs';
import { runNode } from './run-node.mjs';

const args = process.argv.slice(2);
const needs = args[0] === '--needs' ? args.splice(0, 2)[1].split(',') : [];
const { node } = bootstrap(Object.fromEntries(needs.map((name) => [name, PROGRAMS[name]])));
await runNode(node, args);
