import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const PASSED_ON = ['SIGTERM', 'SIGHUP'];

/**
 * Runs the project's Node with these arguments in place of this process: it has the same terminal, it gets the signals
 * that this process gets, and this process exits as it does. An IPC channel connects the two. When this process dies,
 * even by SIGKILL, the channel closes and the child gets a `disconnect` event.
 * @returns {Promise<never>}
 */
export function runNode(node, args, { env = process.env } = {}) {
  const child = spawn(node, args, { env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal));
  // At a terminal, Ctrl-C reaches every process of the foreground group, so the child gets SIGINT without our help, and
  // a second one would stop it at once. Without a terminal only this process gets the signal.
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
 * Calls `lost` when npm, which started this process, has died. An npm that is killed passes no signal on, and the
 * product would keep its port and files. There may be a shell between npm and this process that lives on, so on Linux
 * the parent's parent is watched as well.
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
    return undefined; // not Linux, or the process is gone, which then shows in process.ppid
  }
}
