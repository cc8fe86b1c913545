import { mkdtemp, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { followPlans } from '../../../src/app/follow-plans.ts';
import { createPlans, limitsOf, noPlan, parsePlans } from '../../../src/callers/plans.ts';
import { PlansError, readPlans } from '../../../src/callers/plans-file.ts';
import { testLog } from '../../support/graph-services.ts';
import { removeFolder } from '../../support/process.ts';

const parse = (plans: unknown) => parsePlans(JSON.stringify(plans));

test('the shipped plans can be used, and each later one bounds less', async () => {
  const parsed = parsePlans(await readFile(new URL('../../../plans.json', import.meta.url), 'utf8'));
  if ('faults' in parsed) throw new Error(parsed.faults.join());
  expect([...parsed.plans.keys()]).toEqual(['free', 'pro', 'internal']);
  const [free, pro, internal] = [...parsed.plans.values()];
  expect(pro?.gpuSecondsPerDay ?? 0).toBeGreaterThan(free?.gpuSecondsPerDay ?? 0);
  expect(Object.entries(internal ?? {}).filter(([, value]) => typeof value === 'number')).toEqual([['weight', 4]]);
});

test('what a plan leaves out is not bounded', () => {
  const parsed = parse({ small: { queued: 3 } });
  const plan = 'plans' in parsed ? parsed.plans.get('small') : undefined;
  expect(plan).toEqual({ ...noPlan, name: 'small', queued: 3 });
});

test('there is a line for each fault, which says where it is', () => {
  const parsed = parse({
    free: { queued: -1, running: 0, weight: 0, request: 5, priorities: ['URGENT'], workflows: 'textToImage' },
    'a plan': {},
  });
  expect('faults' in parsed && parsed.faults).toEqual([
    expect.stringMatching(/^free\.weight: /),
    'free.queued: expected at least 0',
    'free.running: expected at least 1',
    expect.stringMatching(/^free\.priorities\.0: /),
    'free.workflows: expected a list of names, or *',
    expect.stringMatching(/^free: .*request/),
    expect.stringMatching(/^a plan: /),
  ]);
  expect(parsePlans('{')).toEqual({ faults: [expect.any(String)] });
  expect(parsePlans('[]')).toEqual({ faults: [expect.any(String)] });
});

test('who has no plan is bounded by none, who has an unknown one is refused', () => {
  const unknown: string[] = [];
  const plans = createPlans(
    () => new Map(),
    (name) => void unknown.push(name),
  );
  expect(limitsOf(plans.of({ plan: null }))).toBeNull();
  expect(() => plans.of({ plan: 'gone' })).toThrow(
    expect.objectContaining({ details: { code: 'FORBIDDEN' }, message: expect.stringContaining('your plan gone') }),
  );
  // A name of what every object has is none of a plan.
  expect(() => plans.of({ plan: 'constructor' })).toThrow();
  expect(unknown).toEqual(['gone', 'constructor']);
});

async function planFile(text: string) {
  const dir = await mkdtemp(join(tmpdir(), 'comfygate-plans-'));
  onTestFinished(() => removeFolder(dir));
  const path = join(dir, 'plans.json');
  await writeFile(path, text);
  /** As an editor and a ConfigMap do: another file in its place. */
  async function replace(next: string) {
    await writeFile(`${path}.new`, next);
    await rename(`${path}.new`, path);
  }
  return { path, replace };
}

test('a file is read anew when it has changed; of one that is broken the plans of before stay', async () => {
  const { path, replace } = await planFile('{"a": {"queued": 1}}');
  const { log, lines } = testLog();
  const shutdown = { add: (_name: string, stop: () => unknown) => onTestFinished(async () => void (await stop())) };
  const plans = await followPlans({ plansFile: path }, { log, shutdown });
  const queued = () => plans.of({ plan: 'a' }).queued;
  const told = (text: string) => lines.filter(({ msg }) => String(msg).startsWith(text));
  expect(queued()).toBe(1);
  await replace('{"a": {"queued": 2}, "b": {}}');
  await vi.waitFor(() => expect(queued()).toBe(2), 20_000);
  const faults = ['a.queued: ', 'a.running: '];
  for (const [i, text] of ['{"a": {"queued": "many"}}', '{"a": {"running": "many"}}'].entries()) {
    await replace(text);
    await vi.waitFor(() => expect(told('the plans cannot be used')).toHaveLength(i + 1), 20_000);
    expect(told('the plans cannot be used')[i]).toMatchObject({ error: expect.stringContaining(faults[i] ?? '?') });
    expect(queued()).toBe(2);
  }
  // As it was before it was broken: that is told, and so is the next fault.
  await replace('{"a": {"queued": 3}}');
  await vi.waitFor(() => expect(queued()).toBe(3), 20_000);
  expect(told('over: the plans cannot be used')).toHaveLength(1);
  await replace('{');
  await vi.waitFor(() => expect(told('the plans cannot be used')).toHaveLength(3), 20_000);
});

test('a process does not start with plans that cannot be used', async () => {
  const { path } = await planFile('{"a": {"queued": 1.5}}');
  await expect(readPlans(path)).rejects.toThrow(PlansError);
  await expect(readPlans(`${path}.none`)).rejects.toThrow(/cannot be read/);
  await expect(readPlans(tmpdir())).rejects.toThrow(/it is no file/);
});
