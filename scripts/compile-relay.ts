/*
 * Compiles the app of docs/relay.md anew, after its `graphql` texts or the schema have changed, and keeps what comes of
 * it in test/support/relay-artifacts.json. Relay's compiler is 118 MB and no dependency: npx brings it.
 *   node scripts/compile-relay.ts
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RELAY_FOLDER, readDocsPage } from '../test/support/docs-page.ts';

/** That of react-relay and relay-runtime in package.json. */
const COMPILER = 'relay-compiler@21.0.1';

const folder = mkdtempSync(join(tmpdir(), 'compile-relay-'));
try {
  const app = readDocsPage('relay.md').follow(folder, 'http://127.0.0.1:4000');
  execFileSync('npx', ['--yes', COMPILER], { cwd: app, stdio: 'inherit' });
  const made = readdirSync(join(app, RELAY_FOLDER)).sort();
  const artifacts = Object.fromEntries(made.map((file) => [file, readFileSync(join(app, RELAY_FOLDER, file), 'utf8')]));
  const target = join(import.meta.dirname, '../test/support/relay-artifacts.json');
  writeFileSync(target, `${JSON.stringify(artifacts, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
