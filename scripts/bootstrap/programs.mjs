import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { apt, canUseApt, installCommand } from './apt.mjs';
import { SetupError, say } from './report.mjs';

const MANIFEST_TESTS = 'tests of the Kubernetes manifests';
/** With the schemas of Kubernetes 1.37 and before. */
const KUBERNETES_VALIDATE = '1.37.0';

/** The path of a Redis server, Redis itself or Valkey; installed first where that is ours to do. */
export function bringRedis() {
  const found = () => onPath('redis-server') ?? onPath('valkey-server');
  if (!found() && canUseApt()) apt('redis-server');
  const path = found();
  if (path) return path;
  throw new SetupError(
    `a Redis server is needed: ${installCommand('redis')}\n(or say where one runs: REDIS_URL=redis://HOST:PORT)`,
  );
}

/** The path of MinIO; undefined where it cannot be had: tests of S3 are skipped then. */
export function bringMinio() {
  return bringGoProgram('minio', {
    module: 'github.com/minio/minio',
    takes: 'about 2 minutes',
    without: 'tests of S3',
  });
}

/** The path of a second S3 server, Versity's gateway; undefined where it cannot be had: tests of S3 on it are skipped then. */
export function bringVersitygw() {
  const module = 'github.com/versity/versitygw/cmd/versitygw';
  return bringGoProgram('versitygw', { module, takes: 'about 3 minutes', without: 'tests of S3 on a second server' });
}

/** The path of Prometheus's checker of alert rules; undefined where it cannot be had: tests of the rules are skipped then. */
export function bringPromtool() {
  const module = 'github.com/prometheus/prometheus/cmd/promtool';
  return bringGoProgram('promtool', { module, takes: 'about 4 minutes', without: 'tests of alert rules' });
}

/** The path of Jaeger, a receiver of traces that answers what it was sent; undefined where it cannot be had: tests of traces are skipped then. */
export function bringJaeger() {
  // The newest that Go installs from elsewhere: the modules of later ones replace others.
  const [module, version] = ['github.com/jaegertracing/jaeger/cmd/all-in-one', 'v1.42.0'];
  return bringGoProgram('all-in-one', { module, version, takes: 'about 3 minutes', without: 'tests of traces' });
}

/** The path of kustomize; undefined where it cannot be had: tests of the Kubernetes manifests are skipped then. */
export function bringKustomize() {
  // The newest that Go 1.24 builds.
  const [module, version] = ['sigs.k8s.io/kustomize/kustomize/v5', 'v5.8.1'];
  return bringGoProgram('kustomize', { module, version, takes: 'about 1 minute', without: MANIFEST_TESTS });
}

/**
 * The path of kubernetes-validate, which carries Kubernetes' own schemas; undefined, and why said, where it cannot be had: tests
 * of the manifests are skipped then. It has a Python environment of its own in the cache.
 */
export function bringKubernetesValidate() {
  const name = 'kubernetes-validate';
  const bin = join(cacheDir(), 'bin');
  const cached = join(bin, name);
  const found = () => (existsSync(cached) ? cached : onPath(name));
  if (found()) return found();
  say(`installing ${name}, once, for ${MANIFEST_TESTS} (pip)`);
  const python = join(cacheDir(), `${name}-${KUBERNETES_VALIDATE}`);
  if (!madeVenv(python) || !ran(join(python, 'bin', 'pip'), ['install', '-q', `${name}==${KUBERNETES_VALIDATE}`])) {
    say(`${name} could not be installed: ${MANIFEST_TESTS} are skipped; they need python3 with its venv module`);
    return undefined;
  }
  mkdirSync(bin, { recursive: true });
  rmSync(cached, { force: true }); // one that leads nowhere is left of an environment that was removed
  symlinkSync(join(python, 'bin', name), cached);
  return found();
}

/** Debian leaves `venv` out of its python3. */
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
 * The path of a program of Go, built once into the cache; undefined, and why said, where it cannot be had. `without`: what is
 * skipped then. `version`: needed where the newest asks for a newer Go than is common.
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

/** The path of a Chromium; undefined, and why said, where there is none: tests in a browser are skipped then. */
export function bringChromium() {
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

/** What takes long to build is kept outside the checkout, for every clone. */
function cacheDir() {
  return process.env.COMFYGATE_CACHE || join(homedir(), '.cache', 'comfygate');
}

function onPath(name) {
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(dir, process.platform === 'win32' ? `${name}.exe` : name);
    if (dir !== '' && executable(path)) return path;
  }
  return undefined;
}

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us to run
  }
}
