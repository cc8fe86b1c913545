/*
 * Compares what is refused by a server's node definitions with what the server itself refuses, for each of its classes.
 *   node test/comfyui/differential.ts http://127.0.0.1:8188 [--rounds 4] [--seed 1] [--only TEXT] [--block GRAPH.json]
 *
 * --rounds   graphs for each class
 * --seed     of the random values
 * --only     only classes with this text in their name
 * --block    a graph that runs for as long as all this takes: what the server accepts waits behind it and is taken out
 *            again. Default: a chain of blurs, anew whenever it has ended
 *
 * Prints each graph that the server takes and that would be refused, then the counts. Exits with 0 where there is none,
 * 1 where there is one, 2 when it could not run.
 */
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Graph, graphSchema } from '../../src/core/graph.ts';
import type { NodeClass } from '../../src/core/node-definitions.ts';
import { withReplaced } from '../../src/core/node-replacements.ts';
import { findGraphIssues } from '../../src/core/validate-graph.ts';
import { createComfyClient } from '../../worker/comfyui/client.ts';
import { createComfyHttp } from '../../worker/comfyui/http.ts';
import { withReplaceable } from '../../worker/comfyui/prompt.ts';
import { openQueueBlocker } from './differential/queue-blocker.ts';
import { randomGraphs } from './differential/random-graphs.ts';
import { slowChain } from './real/graphs.ts';

/** Most of the time is the way there and back. */
const AT_ONCE = 6;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    block: { type: 'string' },
  },
});
const [address] = positionals;
if (address === undefined || !URL.canParse(address)) {
  process.stderr.write('usage: differential.ts http://127.0.0.1:8188 [--rounds 4] [--seed 1] [--only TEXT]\n');
  process.exit(2);
}
process.exitCode = await compare(address);

async function compare(url: string): Promise<number> {
  await using ended = new AsyncDisposableStack();
  const http = createComfyHttp(url);
  ended.defer(http.close);
  const client = createComfyClient(http);
  const options = { timeoutMs: 120_000 };
  await client.systemStats(options);
  const read = await client.objectInfo(null, options);
  const classes = withReplaced(read, await client.nodeReplacements(options));
  const { block } = values;
  const blocks = async () =>
    block === undefined
      ? await slowChain()
      : unlikeBefore(graphSchema.parse(JSON.parse(await readFile(block, 'utf8'))));
  await using blocker = await openQueueBlocker(client, blocks);

  const whose = ['stock', 'packs', 'replaced'] as const;
  const none = () => ({ graphs: 0, refused: 0, wrong: 0, wrongByAllLists: 0, missed: 0 });
  const counts = { stock: none(), packs: none(), replaced: none() };
  async function compareClass(className: string, known: NodeClass) {
    const count = counts[known.replacedBy !== undefined ? 'replaced' : known.stock ? 'stock' : 'packs'];
    for (const graph of randomGraphs(className, known, Number(values.rounds), Number(values.seed))) {
      const issues = findGraphIssues(graph, classes);
      const certain = issues.filter((issue) => issue.certain);
      const verdict = await blocker.submit(withReplaceable(graph, classes));
      count.graphs++;
      if (verdict.refused) {
        count.refused++;
        if (certain.length === 0 && verdict.byDefinitions) count.missed++;
        continue;
      }
      if (issues.length > 0) count.wrongByAllLists++;
      if (certain.length === 0) continue;
      count.wrong++;
      process.stdout.write(`WRONG ${JSON.stringify({ className, inputs: graph['1']?.inputs, certain })}\n`);
    }
  }

  const left = classes.entries().filter(([className]) => className.includes(values.only));
  const someOfThem = async () => {
    for (const [className, known] of left) await compareClass(className, known);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, someOfThem));
  for (const name of whose) process.stdout.write(`${name}: ${JSON.stringify(counts[name])}\n`);
  return whose.some((name) => counts[name].wrong > 0) ? 1 : 0;
}

/** With other seeds, so that nothing of it is cached. */
function unlikeBefore(graph: Graph): Graph {
  const nodes = Object.entries(graph).map(([id, node]) => {
    return [id, 'seed' in node.inputs ? { ...node, inputs: { ...node.inputs, seed: randomInt(2 ** 31) } } : node];
  });
  return Object.fromEntries(nodes);
}
