import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';

const judge = fileURLToPath(new URL('../comfyui/conformance.mjs', import.meta.url));
const traces = fileURLToPath(new URL('../comfyui/recorded/traces', import.meta.url));
const workflows = fileURLToPath(new URL('../comfyui/recorded/workflows', import.meta.url));
const scenarios = readdirSync(traces)
  .filter((name) => name.endsWith('.json'))
  .sort();

/** In which something is done in the middle of a prompt: it must not have ended by then, however late that is done. */
const DISTURBED = /^s0[123]_/;
const [disturbed, others] = [
  scenarios.filter((name) => DISTURBED.test(name)),
  scenarios.filter((name) => !DISTURBED.test(name)),
];

/** A judge plays one scenario after the other; each test waits for the line about its own. */
describe('the simulator answers as a recorded ComfyUI 0.33 did in', () => {
  const verdicts = new Map(scenarios.map((name) => [name, Promise.withResolvers<string>()]));
  const judged: { child: ChildProcess; simulator: Simulator }[] = [];

  async function judgeOf(names: string[], speed: number) {
    const simulator = await startSimulator({ speed });
    const args = [judge, simulator.url, '--traces', traces, '--workflows', workflows, ...names];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    judged.push({ child, simulator });
    let rest = '';
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const name = /^(?:ok|FALLS SHORT) (\S+\.json)/.exec(line)?.[1];
        verdicts.get(name ?? '')?.resolve(line);
      }
    });
    child.once('close', (code) => {
      for (const name of names) verdicts.get(name)?.resolve(`the judge ended with ${code} ${errors}`);
    });
  }

  beforeAll(async () => {
    await Promise.all([judgeOf(others, 1), judgeOf(disturbed, 0.25)]);
  });

  afterAll(async () => {
    for (const { child, simulator } of judged) {
      if (child.exitCode === null && child.kill()) await once(child, 'exit');
      await simulator.close();
    }
  });

  test.for(scenarios)('%s', { timeout: 120_000 }, async (name) => {
    expect(await verdicts.get(name)?.promise).toBe(`ok ${name}`);
  });
});
