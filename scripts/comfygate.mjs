#!/usr/bin/env node
// The command `comfygate`, of a checkout and of the installed package. `npm start` is `comfygate start`.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bringRedis } from './bootstrap/redis.mjs';
import { say } from './bootstrap/report.mjs';
import { bootstrap, compileCache, isCheckout, root } from './bootstrap.mjs';
import { runNode } from './run-node.mjs';

const args = process.argv.slice(2);
const isStart = args.length === 0 || (args.length === 1 && args[0] === 'start');
// In a checkout .env belongs to docker compose, whose settings are of another installation.
const settings = !isCheckout && existsSync('.env') ? readFileSync('.env', 'utf8') : '';
const has = (name) => Boolean(process.env[name]) || new RegExp(`^(?:export )?${name}=.`, 'm').test(settings);

const { node } = bootstrap(isStart && !has('REDIS_URL') && !has('REDIS_URL_FILE') ? { redis: bringRedis } : {});
if (isStart && settings !== '') say('settings come from .env of this folder, after those of the environment');
// Without it the product runs all the same, and its page says what is missing.
if (isStart && isCheckout) (await import('./build-studio.mjs')).buildStudio(node, { ifStale: true });
const env = { NODE_COMPILE_CACHE: compileCache, ...process.env };
const main = join(root, 'src', 'cli', isCheckout ? 'main.ts' : 'main.js');
await runNode(node, [...(settings === '' ? [] : ['--env-file=.env']), main, ...args], { env });
