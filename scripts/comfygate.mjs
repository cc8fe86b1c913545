#!/usr/bin/env node
// The command `comfygate`, run from a checkout.
import { join } from 'node:path';
import { bootstrap, root } from './bootstrap.mjs';
import { runNode } from './run-node.mjs';

const { node } = bootstrap();
await runNode(node, [join(root, 'src', 'cli', 'main.ts'), ...process.argv.slice(2)]);
