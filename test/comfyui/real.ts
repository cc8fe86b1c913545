/*
 * Tries the whole product on a real ComfyUI. Gateway and worker are separate processes, and are used through GraphQL.
 *   node test/comfyui/real.ts http://127.0.0.1:8188 [--output FOLDER] [--restart COMMAND] [--only TEXT]
 *
 * --output    ComfyUI's output folder on this machine: then the files in it are compared, too
 * --restart   a shell command that kills ComfyUI and starts it again on the same address, and need not wait for it
 * --only      only the scenarios with this text in their name
 *
 * Prints a line for each scenario. Exits with 0 when nothing differed, 1 when something did, 2 when it could not run.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type ComfyServer, openComfyServer } from './real/comfyui.ts';
import { disturbanceScenarios } from './real/disturbances.ts';
import { eventually } from './real/eventually.ts';
import { failureScenarios } from './real/failures.ts';
import { outputScenarios } from './real/outputs.ts';
import { startProductOn } from './real/product.ts';
import { quietEnd } from './real/quiet-end.ts';
import { resultScenarios } from './real/results.ts';
import { measureBlur, type Scenario, type Stage } from './real/scenario.ts';

const COMFY_STARTS_WITHIN_MS = 180_000;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { output: { type: 'string' }, restart: { type: 'string' }, only: { type: 'string', default: '' } },
});
const address = positionals[0]?.replace(/\/+$/, '');
if (address === undefined || !URL.canParse(address)) {
  stopWith('usage: real.ts http://127.0.0.1:8188 [--output FOLDER] [--restart COMMAND] [--only TEXT]');
}
process.exitCode = await tryAll(openComfyServer(address, values.output));

async function tryAll(server: ComfyServer): Promise<number> {
  const version = await server.version().catch((cause) => stopWith(`no ComfyUI answers at ${address}: ${cause}`));
  if ((await server.queueLength()) > 0) stopWith('it has prompts of others, which would be counted: let them end');
  const blurSeconds = await measureBlur(server);
  say(`ComfyUI ${version}, ${blurSeconds.toFixed(2)} s for each blur of the slow chain`);

  await using product = await startProductOn(server.url);
  await product.startWorker();
  const stage: Stage = { server, product, restartComfy: restarter(server), blurSeconds };
  const chosen = [...resultScenarios, ...outputScenarios, ...failureScenarios, ...disturbanceScenarios].filter(
    ({ name }) => name.includes(values.only),
  );
  const counts = { ok: 0, skip: 0, FAIL: 0 };
  for (const scenario of [...chosen, quietEnd]) counts[await play(scenario, stage)]++;
  say(`${counts.ok} ok, ${counts.skip} skipped, ${counts.FAIL} differ`);
  return counts.FAIL === 0 ? 0 : 1;
}

/** Plays one and says how it went. */
async function play(scenario: Scenario, stage: Stage): Promise<'ok' | 'skip' | 'FAIL'> {
  const { name } = scenario;
  try {
    const reason = await scenario.skip?.(stage);
    say(reason ? `skip  ${name} (${reason})` : `ok    ${name} (${await scenario.play(stage)})`);
    return reason ? 'skip' : 'ok';
  } catch (cause) {
    say(`FAIL  ${name}\n      ${cause instanceof Error ? cause.stack : cause}`);
    return 'FAIL';
  }
}

function restarter(server: ComfyServer): (() => Promise<void>) | undefined {
  const { restart } = values;
  if (restart === undefined) return undefined;
  return async () => {
    // Of its own session, so that the ComfyUI that it starts outlives this.
    spawn(restart, { shell: true, detached: true, stdio: 'ignore' }).unref();
    const answers = () =>
      server.version().then(
        () => true,
        () => false,
      );
    await eventually('ComfyUI is gone', 30_000, async () => !(await answers()));
    await eventually('ComfyUI answers again', COMFY_STARTS_WITHIN_MS, answers);
  };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function stopWith(line: string): never {
  process.stderr.write(`${line}\n`);
  process.exit(2);
}
