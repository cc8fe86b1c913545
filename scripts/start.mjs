// npm start: runs the whole product, on a machine that has only Node 20 and npm.
import { join } from 'node:path';
import { bootstrap, compileCache, root } from './bootstrap.mjs';
import { buildStudio } from './build-studio.mjs';
import { runNode } from './run-node.mjs';

const { node } = bootstrap(process.env.REDIS_URL || process.env.REDIS_URL_FILE ? [] : ['redis']);
// Without it the product runs all the same, and its page says what is missing.
buildStudio(node, { ifStale: true });
const env = { NODE_COMPILE_CACHE: compileCache, ...process.env };
await runNode(node, [join(root, 'src', 'main.ts'), ...process.argv.slice(2)], { env });
