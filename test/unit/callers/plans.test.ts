import { mkdtemp, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createPlans, limitsOf, noPlan, parsePlans } from '../../../src/callers/plans.ts';
import { loadPlans, PlansError } from '../../../src/callers/plans-file.ts';
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
  const file = await loadPlans(path);
  expect(await file.look()).toEqual({ news: 'none' });
  await replace('{"a": {"queued": 2}, "b": {}}');
  expect(await file.look()).toEqual({ news: 'changed', names: ['a', 'b'] });
  expect(file.plans().get('a')?.queued).toBe(2);
  await replace('{"a": {"queued": "many"}}');
  expect(await file.look()).toEqual({ news: 'broken', faults: [expect.stringMatching(/^a\.queued: /)] });
  // Told once.
  expect(await file.look()).toEqual({ news: 'none' });
  expect(file.plans().get('a')?.queued).toBe(2);
  await replace('{"a": {"queued": 3}}');
  expect(await file.look()).toEqual({ news: 'changed', names: ['a'] });
});

test('a process does not start with plans that cannot be used', async () => {
  const { path } = await planFile('{"a": {"queued": 1.5}}');
  await expect(loadPlans(path)).rejects.toThrow(PlansError);
  await expect(loadPlans(`${path}.none`)).rejects.toThrow(/cannot be read/);
  await expect(loadPlans(tmpdir())).rejects.toThrow(/it is no file/);
});
