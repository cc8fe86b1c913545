import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTarget } from '../../support/attack.ts';
import { findProgram } from '../../support/find-program.ts';
import { startProgram, tempFolder } from '../../support/process.ts';

const program = findProgram('schemathesis');
const hooks = join(import.meta.dirname, '../../support/schemathesis/hooks.py');
const seed = Number(process.env.FUZZ_SEED ?? 13);
const EXAMPLES_OF_EACH_FIELD = 12;

test.skipIf(program === null)(
  'Schemathesis asks for every field of the schema with values of all kinds, and meets no fault of the gateway',
  { timeout: 240_000 },
  async (context) => {
    const { gateway, expectUnharmed } = await openTarget(context);
    console.info(`schemathesis: seed ${seed}; another one: FUZZ_SEED`);
    // It keeps what it has found in the folder where it runs.
    const folder = await tempFolder();
    context.onTestFinished(folder.remove);
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
    // It got through to what it is about.
    expect(run.output()).toMatch(/(\d{2,}) (?:generated|passed)/);
    await expectUnharmed();
  },
);
