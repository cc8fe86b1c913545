import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startProgram } from '../../test/support/process.ts';
import { residentBytes } from '../../test/support/process-limits.ts';
import type { Bench } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { startAllInOne, startGateway } from '../product.ts';
import { interleave } from '../rounds.ts';

const PEER = 'plain Yoga + BullMQ';
const MIB = 1024 * 1024;
/** Imported before the command: prints at its end how many microseconds of processor time it took. */
const TELLS_CPU =
  'process.on("exit", () => { const { user, system } = process.cpuUsage(); console.log(user + system) })';

/**
 * Measures the time from the start of a process until it takes requests, its memory then, and what a check of its
 * health costs: of what production runs, which is built, and of the sources.
 */
export const benchStart: Bench = async (context) => {
  const { quick, redis, dir, say } = context;
  const built = process.env.PRODUCT_MAIN ?? build();
  const sources = 'src/cli/main.ts';

  async function measure(name: string, start: () => Promise<Child>) {
    const server = await start();
    try {
      const cpuMs = await processorMs(server.pid);
      const mib = (await residentBytes(server.pid)) / MIB;
      say(`${name} ready in ${server.readyMs.toFixed(0)} ms, ${cpuMs} of a processor, with ${mib.toFixed(0)} MiB`);
      return { ms: server.readyMs, cpuMs, mib };
    } finally {
      await server.stop();
    }
  }

  async function measureHealth() {
    const gateway = await startGateway(context, { main: built });
    try {
      const told = `data:text/javascript,${encodeURIComponent(TELLS_CPU)}`;
      const args = ['--import', told, built, 'health', '--live', '--url', new URL(gateway.url).origin];
      const command = startProgram(process.execPath, args, {});
      if ((await command.exited) !== 0) throw new Error(command.output());
      const cpuMs = Number(command.output().trim().split('\n').at(-1)) / 1000;
      say(`comfygate health took ${cpuMs.toFixed(0)} ms of processor time`);
      return { ms: 0, cpuMs, mib: 0 };
    } finally {
      await gateway.stop();
    }
  }

  const env = { REDIS_URL: redis.url };
  const peer = { args: ['bench/peers/yoga.ts'], ready: /ready (http:\S+)/ };
  // It is TypeScript, and what makes JavaScript of that would be a sixth of what a built gateway has in memory.
  const probe = false;
  const measured = await interleave(quick ? 1 : 5, {
    gateway: () => measure('gateway', () => startGateway(context, { main: built, probe })),
    yoga: () => measure('yoga', () => startChild({ ...peer, env, probe })),
    allInOne: (round) => measure('all in one', () => startAllInOne(join(dir, `all-${round}`), { main: built, probe })),
    health: measureHealth,
    sourceGateway: () => measure('gateway of the sources', () => startGateway(context, { main: sources, probe })),
    sourceAllInOne: (round) =>
      measure('all in one of the sources', () =>
        startAllInOne(join(dir, `sources-${round}`), { main: sources, probe }),
      ),
  });
  type Of = 'ms' | 'cpuMs' | 'mib';
  const values = (name: keyof typeof measured, of: Of) => measured[name].map((each) => each[of]);
  const yoga = (of: Of) => ({ name: PEER, values: values('yoga', of) });
  const bench = 'start';
  const target = { of: 'figure', is: 'at most', value: 3_000 } as const;
  const health = { of: 'figure', is: 'at most', value: 150 } as const;
  return [
    { bench, figure: 'gateway ready, ms', ours: values('gateway', 'ms'), peer: yoga('ms'), target },
    { bench, figure: 'all in one ready, ms', ours: values('allInOne', 'ms'), peer: null },
    { bench, figure: 'resident when ready, MiB: gateway', ours: values('gateway', 'mib'), peer: yoga('mib') },
    { bench, figure: 'resident when ready, MiB: all in one', ours: values('allInOne', 'mib'), peer: null },
    { bench, figure: 'CPU until ready, ms: gateway', ours: values('gateway', 'cpuMs'), peer: yoga('cpuMs') },
    { bench, figure: 'CPU until ready, ms: all in one', ours: values('allInOne', 'cpuMs'), peer: null },
    { bench, figure: 'CPU of comfygate health, ms', ours: values('health', 'cpuMs'), peer: null, target: health },
    { bench, figure: 'gateway of the sources ready, ms', ours: values('sourceGateway', 'ms'), peer: yoga('ms') },
    { bench, figure: 'all in one of the sources ready, ms', ours: values('sourceAllInOne', 'ms'), peer: null },
    {
      bench,
      figure: 'CPU until ready, ms: gateway of the sources',
      ours: values('sourceGateway', 'cpuMs'),
      peer: yoga('cpuMs'),
    },
  ];
};

/** Makes what production runs, and returns its main file. */
function build(): string {
  execFileSync(process.execPath, ['scripts/build.ts'], {
    cwd: new URL('../../', import.meta.url),
    stdio: ['ignore', process.stderr, process.stderr],
  });
  return 'dist/src/cli/main.js';
}

/** The processor time of a process so far in milliseconds, of all its threads, on Linux. */
async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the program, in brackets, may hold spaces. Both times are in hundredths of a second.
  const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
