import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const PASSED_ON = ['SIGTERM', 'SIGHUP'];

/**
 * Runs the project's Node with these arguments in our place: same terminal, signals passed on, and its exit is ours. The
 * channel to it tells it when we are gone, even by SIGKILL: its `disconnect` event.
 * @returns {Promise<never>}
 */
export function runNode(node, args, { env = process.env } = {}) {
  const child = spawn(node, args, { env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal));
  // Ctrl-C reaches the whole foreground group, the child too, and it must not be told twice. Away from a terminal
  // whoever sends SIGINT sends it to us.
  process.on('SIGINT', () => {
    if (!onTerminal()) child.kill('SIGINT');
  });
  const orphaned = watchForLostParent(() => child.connected && child.disconnect());

  return new Promise(() => {
    child.on('error', (error) => {
      process.stderr.write(`${node} could not be started: ${error.message}\n`);
      process.exit(1);
    });
    child.on('exit', (code, signal) => {
      clearInterval(orphaned);
      if (code !== null) process.exit(code);
      for (const name of [...PASSED_ON, 'SIGINT']) process.removeAllListeners(name);
      process.kill(process.pid, signal);
    });
  });
}

function onTerminal() {
  return [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
}

/**
 * npm that is killed outright tells nobody; what it ran would go on holding its port and files. Between it and us there may be
 * a shell that lives on, so where it can be seen the shell's parent is watched as well.
 */
function watchForLostParent(lost) {
  if (!process.env.npm_lifecycle_event) return undefined;
  const family = () => [process.ppid, parentOf(process.ppid)].join();
  const before = family();
  const timer = setInterval(() => {
    if (family() === before) return;
    clearInterval(timer);
    lost();
  }, 500);
  return timer.unref();
}

function parentOf(pid) {
  try {
    return /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined; // no Linux, or it is gone, which its own number shows
  }
}
