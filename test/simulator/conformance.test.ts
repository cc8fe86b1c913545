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

/** The judge plays one scenario after the other; each test waits for the line about its own. */
describe('the simulator answers as a recorded ComfyUI 0.33 did in', () => {
  const verdicts = new Map(scenarios.map((name) => [name, Promise.withResolvers<string>()]));
  let simulator: Simulator;
  let child: ChildProcess;

  beforeAll(async () => {
    simulator = await startSimulator();
    const args = [judge, simulator.url, '--traces', traces, '--workflows', workflows];
    child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let rest = '';
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const name = /^(?:ok|FALLS SHORT) (\S+\.json)/.exec(line)?.[1];
        verdicts.get(name ?? '')?.resolve(line);
      }
    });
    child.once('close', (code) => {
      for (const { resolve } of verdicts.values()) resolve(`the judge ended with ${code} ${errors}`);
    });
  });

  afterAll(async () => {
    if (child.exitCode === null && child.kill()) await once(child, 'exit');
    await simulator.close();
  });

  test.for(scenarios)('%s', { timeout: 120_000 }, async (name) => {
    expect(await verdicts.get(name)?.promise).toBe(`ok ${name}`);
  });
});
