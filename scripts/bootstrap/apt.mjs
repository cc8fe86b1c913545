import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { SetupError, say } from './report.mjs';

const COMMANDS = [
  { tool: '/opt/homebrew/bin/brew', redis: 'brew install redis', chromium: 'brew install --cask chromium' },
  { tool: '/usr/local/bin/brew', redis: 'brew install redis', chromium: 'brew install --cask chromium' },
  {
    tool: '/usr/bin/apt-get',
    redis: 'sudo apt-get install -y redis-server',
    chromium: 'sudo apt-get install -y chromium',
  },
  { tool: '/usr/bin/dnf', redis: 'sudo dnf install -y valkey', chromium: 'sudo dnf install -y chromium' },
  { tool: '/usr/bin/pacman', redis: 'sudo pacman -S valkey', chromium: 'sudo pacman -S chromium' },
  { tool: '/sbin/apk', redis: 'apk add redis', chromium: 'apk add chromium' },
];

/** The command that installs `what` (`redis` or `chromium`) on this system, for the person at the terminal. */
export function installCommand(what) {
  const here = COMMANDS.find(({ tool }) => existsSync(tool));
  return here
    ? here[what]
    : `install ${what === 'redis' ? 'redis-server or valkey-server' : what} and put it on the PATH`;
}

/** System programs are installed only as root in a container or in CI: a person's own machine is never changed. */
export function canUseApt() {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get') && (Boolean(process.env.CI) || inContainer());
}

/** Installs a Debian package without starting the service that comes with it. */
export function apt(name) {
  say(`installing ${name} (apt-get)`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  withoutServices(() => {
    for (const args of [
      ['update', '-qq'],
      ['install', '-y', '-qq', '--no-install-recommends', name],
    ]) {
      const { status, error, stdout, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8' });
      if (status !== 0) throw new SetupError(`apt-get ${args.join(' ')} failed:\n${error?.message ?? stdout + stderr}`);
    }
  });
}

function inContainer() {
  if (existsSync('/.dockerenv') || existsSync('/run/.containerenv')) return true;
  if (process.env.container || process.env.KUBERNETES_SERVICE_HOST) return true;
  return /docker|kubepods|containerd|lxc|podman/.test(readIfThere('/proc/1/cgroup'));
}

/** Debian runs this file before it starts the service of a new package; exit code 101 forbids the start. */
function withoutServices(run) {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    run();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
