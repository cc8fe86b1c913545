#!/usr/bin/env node
// The command `comfygate`, run from a checkout.
import { join } from 'node:path';
import { bootstrap, compileCache, root } from './bootstrap.mjs';
import { runNode } from './run-node.mjs';

const { node } = bootstrap();
const env = { NODE_COMPILE_CACHE: compileCache, ...process.env };
await runNode(node, [join(root, 'src', 'cli', 'main.ts'), ...process.argv.slice(2)], { env });
