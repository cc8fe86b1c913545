import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTarget } from '../../support/attack.ts';
import { findProgram } from '../../support/find-program.ts';
import { startProgram, tempFolder } from '../../support/process.ts';

const program = findProgram('schemathesis');
const hooks = join(import.meta.dirname, '../../support/schemathesis/hooks.py');
const firstSeed = Number(process.env.FUZZ_SEED ?? 13);
/** How long rounds with other seeds follow each other, see CONTRIBUTING.md. Default: one round. */
const minutes = Number(process.env.FUZZ_MINUTES ?? 0);
const EXAMPLES_OF_EACH_FIELD = minutes > 0 ? 100 : 12;

test.skipIf(program === null)(
  'Schemathesis asks for every field of the schema with values of all kinds, and meets no fault of the gateway',
  { timeout: 240_000 + minutes * 60_000 },
  async (context) => {
    const until = performance.now() + minutes * 60_000;
    const { gateway, expectUnharmed } = await openTarget(context);
    // It keeps what it has found in the folder where it runs.
    const folder = await tempFolder();
    context.onTestFinished(folder.remove);

    /** Resolves to the number of calls. */
    async function round(seed: number): Promise<number> {
      console.info(`schemathesis: seed ${seed}; another one: FUZZ_SEED`);
      const run = startProgram(
        '/bin/sh',
        [
          ...['-c', 'cd "$0" && exec "$@"', folder.path, program ?? ''],
          ...['run', `${gateway.url}/graphql`, '--checks', 'no_fault_of_the_gateway', '--seed', String(seed)],
          ...['--max-examples', String(EXAMPLES_OF_EACH_FIELD), '--generation-database', 'none', '--no-shrink'],
          ...['--request-timeout', '90', '--no-color', '--suppress-health-check', 'all', '--warnings', 'off'],
        ],
        { SCHEMATHESIS_HOOKS: hooks, PYTHONDONTWRITEBYTECODE: '1' },
      );
      const code = await run.exited;
      expect(code, run.output()).toBe(0);
      return Number(/(\d+) generated/.exec(run.output())?.[1]);
    }

    let calls = 0;
    let rounds = 0;
    do calls += await round(firstSeed + rounds++);
    while (performance.now() < until);
    console.info(`schemathesis: ${calls} calls in ${rounds} rounds, no fault of the gateway`);
    // It got through to what it is about.
    expect(calls).toBeGreaterThan(100 * rounds);
    await expectUnharmed();
  },
);
