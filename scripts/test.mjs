// npm test: builds the product and runs all tests, with real servers, also on a fresh checkout.
//   npm test -- test/unit   runs a part of them.
// The variables MINIO_BIN, CHROMIUM_BIN and so on tell the tests where those programs are. REPORT may name the file to
// which vitest's JSON report is written.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { PROGRAMS } from './bootstrap/programs.mjs';
import { bootstrap, compileCache, root } from './bootstrap.mjs';
import { readReport } from './test-report.mjs';

const { node, programs } = bootstrap(PROGRAMS);
const scratch = mkdtempSync(join(tmpdir(), 'comfygate-test-'));
const report = process.env.REPORT || join(scratch, 'report.json');
process.exitCode = run();
rmSync(scratch, { recursive: true });

function run() {
  const built = spawnSync(node, [join(root, 'scripts', 'build.ts')], { cwd: root, stdio: 'inherit' });
  if (built.status !== 0) return built.status ?? 1;
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const env = {
    ...process.env,
    PATH: [dirname(node), process.env.PATH].join(delimiter),
    NODE_COMPILE_CACHE: compileCache,
    PRODUCT_MAIN: join(root, 'dist', 'src', 'cli', 'main.js'),
    ...binaries(programs),
  };
  // vitest runs in the same process group, so Ctrl-C reaches it without our help.
  const { status } = spawnSync(node, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  if (status !== 0) return status ?? 1;
  const { skipped } = readReport(report);
  if (!isTrue(process.env.CI) || skipped.length === 0) return 0;
  process.stderr.write(`In CI every test runs; skipped were:\n${skipped.map((name) => `  ${name}\n`).join('')}`);
  return 1;
}

/** `MINIO_BIN`, `KUBERNETES_VALIDATE_BIN` and so on, for the programs that were found. */
function binaries({ redis: _onThePath, ...others }) {
  const there = Object.entries(others).filter(([, path]) => path !== undefined);
  return Object.fromEntries(there.map(([name, path]) => [`${name.toUpperCase().replaceAll('-', '_')}_BIN`, path]));
}

function isTrue(value) {
  return Boolean(value) && value !== 'false' && value !== '0';
}
