// npm run test:chaos: runs the tests in test/chaos and writes their results to docs/reliability.md.
//   --full       real lengths for outages and soak: over an hour
//   --seed N     repeats the soak's faults in the order of that seed
//   --jobs N     ends the soak after that number of jobs
// Other arguments are passed to vitest: npm run test:chaos -- test/chaos/soak.test.ts
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAMS } from './bootstrap/programs.mjs';
import { bootstrap, compileCache, root } from './bootstrap.mjs';

const { values, rest } = read(process.argv.slice(2));
const { node, programs } = bootstrap({ redis: PROGRAMS.redis, minio: PROGRAMS.minio });
const scratch = mkdtempSync(join(tmpdir(), 'comfygate-chaos-'));
const rows = join(scratch, 'rows.jsonl');
writeFileSync(rows, '');
process.exitCode = run();
rmSync(scratch, { recursive: true });

function run() {
  const env = {
    ...process.env,
    CHAOS_REPORT: rows,
    NODE_COMPILE_CACHE: compileCache,
    ...(programs.minio && { MINIO_BIN: programs.minio }),
    ...(values.full && { CHAOS_FULL: 'true' }),
    ...(values.seed && { CHAOS_SEED: values.seed }),
    ...(values.jobs && { CHAOS_JOBS: values.jobs }),
  };
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const what = rest.length > 0 ? rest : ['test/chaos'];
  const options = { cwd: root, env, stdio: 'inherit' };
  const { status } = spawnSync(node, [vitest, 'run', ...what], options);
  // The table is written only after a run of the whole suite.
  if (rest.length > 0 || status !== 0 || !existsSync(rows)) return status ?? 1;
  const mode = values.full ? 'full' : 'short';
  return spawnSync(node, ['scripts/reliability.ts', '--rows', rows, '--mode', mode], options).status ?? 1;
}

function read(args) {
  const values = {};
  const rest = [];
  while (args.length > 0) {
    const arg = args.shift();
    if (arg === '--full') values.full = true;
    else if (arg === '--seed' || arg === '--jobs') values[arg.slice(2)] = number(arg, args.shift());
    else rest.push(arg);
  }
  return { values, rest };
}

function number(name, text) {
  if (/^\d+$/.test(text ?? '')) return text;
  process.stderr.write(`${name}: expected a whole number, got ${JSON.stringify(text ?? '')}\n`);
  process.exit(2);
}
