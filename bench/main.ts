// npm run bench [-- [names] [--quick]]: measures the gateway and its peers in the same run, and prints a table at the
// end. `comfyui URL` measures in front of a ComfyUI that is running there.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { tempFolder } from '../test/support/process.ts';
import { startTestRedis } from '../test/support/redis.ts';
import type { Bench } from './bench.ts';
import { benchAttacks } from './benches/attacks.ts';
import { benchComfyui } from './benches/comfyui.ts';
import { benchFairness } from './benches/fairness.ts';
import { benchGenerate } from './benches/generate.ts';
import { benchJobs } from './benches/jobs.ts';
import { benchLargeOutput } from './benches/large-output.ts';
import { benchLimits } from './benches/limits.ts';
import { benchManyJobs } from './benches/many-jobs.ts';
import { benchNeighbours } from './benches/neighbours.ts';
import { benchServers } from './benches/servers.ts';
import { benchStart } from './benches/start.ts';
import { benchSubscriptions } from './benches/subscriptions.ts';
import { benchUsers } from './benches/users.ts';
import { benchWatchers } from './benches/watchers.ts';
import { formatTable, type Row } from './table.ts';

const benches: Record<string, Bench> = {
  jobs: benchJobs,
  servers: benchServers,
  generate: benchGenerate,
  subscriptions: benchSubscriptions,
  'large-output': benchLargeOutput,
  users: benchUsers,
  watchers: benchWatchers,
  'many-jobs': benchManyJobs,
  start: benchStart,
  attacks: benchAttacks,
  limits: benchLimits,
  neighbours: benchNeighbours,
  fairness: benchFairness,
};

const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean' } } });
const quick = values.quick === true;
const comfyui = positionals.indexOf('comfyui');
if (comfyui >= 0) {
  const [url = ''] = positionals.splice(comfyui + 1, 1);
  if (!URL.canParse(url)) {
    process.stderr.write('comfyui needs the address of one that is running: npm run bench -- comfyui http://…:8188\n');
    process.exit(2);
  }
  benches.comfyui = benchComfyui(url);
}
const names = positionals.length > 0 ? positionals : Object.keys(benches);
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  process.stderr.write(`No bench ${unknown.join(', ')}: there are ${Object.keys(benches).join(', ')}, comfyui URL.\n`);
  process.exit(2);
}

const rows: Row[] = [];
for (const name of names) rows.push(...(await run(name)));
process.stdout.write(`\n${formatTable(rows)}\n\n`);
const [cpu] = cpus();
process.stdout.write(`Node ${process.version}, ${cpus().length} x ${cpu?.model ?? 'unknown'}\n`);
if (quick) process.stdout.write('A smoke run: its figures are worth nothing.\n');

async function run(name: string): Promise<Row[]> {
  const redis = await startTestRedis({
    // As in production, but Redis must not rewrite its AOF by itself: a rewrite would slow down a single round.
    config: { appendfsync: 'always', 'auto-aof-rewrite-percentage': '0' },
  });
  const folder = await tempFolder();
  const say = (line: string) => void process.stderr.write(`${name}: ${line}\n`);
  try {
    return (await benches[name]?.({ redis, quick, dir: folder.path, say })) ?? [];
  } finally {
    await redis.close();
    await folder.remove();
  }
}
