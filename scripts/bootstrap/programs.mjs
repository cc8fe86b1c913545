import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apt, canUseApt, installCommand } from './apt.mjs';
import { onPath } from './on-path.mjs';
import { npmCi } from './packages.mjs';
import { bringRedis } from './redis.mjs';
import { say } from './report.mjs';

const MANIFEST_TESTS = 'tests of the Kubernetes manifests';
/** This version holds the schemas of Kubernetes up to 1.37. */
const KUBERNETES_VALIDATE = '1.37.0';
const SCHEMATHESIS = '4.32.5';

/** The path of MinIO, or undefined where it cannot be installed: tests of S3 are then skipped. */
function bringMinio() {
  return bringGoProgram('minio', {
    module: 'github.com/minio/minio',
    takes: 'about 2 minutes',
    without: 'tests of S3',
  });
}

/**
 * The path of a second S3 server, the Versity gateway, or undefined where it cannot be installed: tests of S3 on a
 * second server are then skipped.
 */
function bringVersitygw() {
  const module = 'github.com/versity/versitygw/cmd/versitygw';
  return bringGoProgram('versitygw', { module, takes: 'about 3 minutes', without: 'tests of S3 on a second server' });
}

/**
 * The path of promtool, which checks alert rules, or undefined where it cannot be installed: tests of the rules are
 * then skipped.
 */
function bringPromtool() {
  const module = 'github.com/prometheus/prometheus/cmd/promtool';
  return bringGoProgram('promtool', { module, takes: 'about 4 minutes', without: 'tests of alert rules' });
}

/**
 * The path of Jaeger, which receives traces and can be queried for them, or undefined where it cannot be installed:
 * tests of traces are then skipped.
 */
function bringJaeger() {
  // The newest version that `go install` accepts: the go.mod of later ones has `replace` lines, which it refuses.
  const [module, version] = ['github.com/jaegertracing/jaeger/cmd/all-in-one', 'v1.42.0'];
  return bringGoProgram('all-in-one', { module, version, takes: 'about 3 minutes', without: 'tests of traces' });
}

/** The path of kustomize, or undefined where it cannot be installed: tests of the manifests are then skipped. */
function bringKustomize() {
  // The newest version that Go 1.24 can build.
  const [module, version] = ['sigs.k8s.io/kustomize/kustomize/v5', 'v5.8.1'];
  return bringGoProgram('kustomize', { module, version, takes: 'about 1 minute', without: MANIFEST_TESTS });
}

/**
 * The path of kubernetes-validate, which checks manifests against the schemas of Kubernetes, or undefined where it
 * cannot be installed: tests of the manifests are then skipped.
 */
function bringKubernetesValidate() {
  return bringPythonProgram('kubernetes-validate', { version: KUBERNETES_VALIDATE, without: MANIFEST_TESTS });
}

/**
 * The path of Schemathesis, which makes requests of a schema, or undefined where it cannot be installed: its test is
 * then skipped.
 */
function bringSchemathesis() {
  return bringPythonProgram('schemathesis', { version: SCHEMATHESIS, without: 'the test by Schemathesis' });
}

/**
 * The path of a program of PyPI, which lives in a Python environment of its own in the cache folder. Returns undefined
 * and prints the reason where it cannot be installed.
 */
function bringPythonProgram(name, { version, without }) {
  const bin = join(cacheDir(), 'bin');
  const cached = join(bin, name);
  const found = () => (existsSync(cached) ? cached : onPath(name));
  if (found()) return found();
  say(`installing ${name}, once, for ${without} (pip)`);
  const python = join(cacheDir(), `${name}-${version}`);
  if (!madeVenv(python) || !ran(join(python, 'bin', 'pip'), ['install', '-q', `${name}==${version}`])) {
    say(`${name} could not be installed: ${without} are skipped; they need python3 with its venv module`);
    return undefined;
  }
  mkdirSync(bin, { recursive: true });
  rmSync(cached, { force: true }); // the link may be left over from an environment that was removed
  symlinkSync(join(python, 'bin', name), cached);
  return found();
}

/** Makes a Python environment. Debian's python3 lacks `venv`, so its package is installed where the first try fails. */
function madeVenv(folder) {
  const make = () => ran('python3', ['-m', 'venv', '--clear', folder]);
  if (make()) return true;
  if (!canUseApt()) return false;
  apt('python3-venv');
  return make();
}

function ran(command, args) {
  return spawnSync(command, args, { stdio: ['ignore', 2, 2] }).status === 0;
}

/**
 * The path of a Go program, which is built once into the cache folder. Returns undefined and prints the reason where it
 * cannot be built; `without` names the tests that are then skipped. `version` pins one where the newest needs a newer
 * Go than is common.
 */
function bringGoProgram(name, { module, version = 'latest', takes, without }) {
  const bin = join(cacheDir(), 'bin');
  const cached = join(bin, name);
  const found = () => (existsSync(cached) ? cached : onPath(name));
  if (found()) return found();
  if (!onPath('go')) {
    say(`no ${name} and no Go to build it with: ${without} are skipped`);
    return undefined;
  }
  say(`building ${name}, once, for ${without} (${takes})`);
  mkdirSync(bin, { recursive: true });
  const env = { ...process.env, GOBIN: bin, GOFLAGS: '-modcacherw' };
  const { status } = spawnSync('go', ['install', `${module}@${version}`], { env, stdio: ['ignore', 2, 2] });
  if (status !== 0) say(`${name} could not be built: ${without} are skipped`);
  return found();
}

/**
 * The path of a Chromium. Returns undefined and prints the reason where there is none: browser tests are then skipped.
 */
function bringChromium() {
  const found = () => {
    const onMac = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
    const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
    return names.map(onPath).find(Boolean) ?? (existsSync(onMac) ? onMac : undefined);
  };
  if (!found() && canUseApt()) apt('chromium');
  const path = found();
  if (!path) say(`no Chromium: tests in a browser are skipped; to run them: ${installCommand('chromium')}`);
  return path;
}

/**
 * The paths of the reverse proxies whose examples are tried, or undefined where they cannot be installed: those tests
 * are then skipped.
 */
const bringNginx = () => bringSystemProgram('nginx', { package: 'nginx-light', without: 'tests behind nginx' });
const bringCaddy = () => bringSystemProgram('caddy', { package: 'caddy', without: 'tests behind Caddy' });

/** The path of a program of the system, installed first where `canUseApt` allows it. Undefined where there is none. */
function bringSystemProgram(name, { package: debian, without }) {
  if (!onPath(name) && canUseApt()) apt(debian);
  const path = onPath(name);
  if (!path) say(`no ${name}: ${without} are skipped; to run them install ${name} and put it on the PATH`);
  return path;
}

/**
 * The folder in whose node_modules the runtimes are that the client is tried in, or undefined where they cannot be
 * installed: those tests are then skipped.
 */
function bringRuntimes() {
  const from = fileURLToPath(new URL('../../client/test/runtimes', import.meta.url));
  const lock = readFileSync(join(from, 'package-lock.json'));
  const folder = join(cacheDir(), `runtimes-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`);
  // npm writes it as its last step.
  const installed = () => existsSync(join(folder, 'node_modules', '.package-lock.json'));
  if (!installed()) {
    say('installing Deno, Bun, workerd, Next and Node 20, once, for tests of the client (npm ci, 900 MB)');
    mkdirSync(folder, { recursive: true });
    for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(from, name), join(folder, name));
    if (npmCi(folder).status !== 0)
      say('they could not be installed: tests of the client in other runtimes are skipped');
  }
  return installed() ? folder : undefined;
}

/** Programs that take minutes to build are kept outside the checkout, so that all clones share them. */
function cacheDir() {
  return process.env.COMFYGATE_CACHE || join(homedir(), '.cache', 'comfygate');
}

/** What `bootstrap` can bring for tests and development. */
export const PROGRAMS = {
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
  runtimes: bringRuntimes,
};
