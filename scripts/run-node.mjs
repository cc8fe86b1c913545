import { spawn } from 'node:child_process';

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

/** npm that is killed outright tells nobody; what it ran would go on holding its port and files. */
function watchForLostParent(lost) {
  if (!process.env.npm_lifecycle_event) return undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    lost();
  }, 500);
  return timer.unref();
}
