import { describe, expect, it } from 'vitest';
import { collectGarbage } from '../../support/collect-garbage.ts';
import { testGraph, testServices } from '../../support/graph-services.ts';

const MEBIBYTE = 1024 * 1024;
const limitExceeded = expect.objectContaining({ extensions: { code: 'LIMIT_EXCEEDED' } });

const graph = (i: number, values: string) =>
  `mutation M${i} { generate(input: {
    idempotencyKey: "k", workflow: { custom: { graph: [${values}] } }
  }) { replayed } }`;

/** What a client can make a tree of with the fewest characters, by form. */
const forms = {
  'a list of enum values': (i: number) =>
    `subscription S${i} { jobsProgress(filter: { status: [${'QUEUED '.repeat(4_000)}] }) { seq } }`,
  fields: (i: number) => `subscription S${i} { jobsProgress { ${'seq '.repeat(990)} } }`,
  'fragments full of spreads': (i: number) =>
    `subscription S${i} { jobsProgress { ...F } } fragment F on JobEvent { ${'...G '.repeat(300)} }
    fragment G on JobEvent { seq }`,
  'lists in lists': (i: number) => graph(i, '[] '.repeat(3_000)),
  'empty objects': (i: number) => graph(i, '{} '.repeat(3_000)),
  'short strings': (i: number) => graph(i, '"ab" '.repeat(6_000)),
  'objects with a field': (i: number) => graph(i, '{a:1} '.repeat(1_800)),
  'one long string': (i: number) => `{ workflow(name: "${'é'.repeat(60_000)}${i}") { name } }`,
};

async function openEngine() {
  const { engine } = await testGraph(await testServices());
  const open = (text: string, whose: { connection?: object; client?: string; variables?: unknown } = {}) =>
    engine.open(
      { document: engine.parse(text), variables: {}, connection: {}, client: '10.0.0.1', ...whose },
      'request',
    );
  /** Opens different ones until one is refused, and says how many that were. */
  const fill = (whose: () => { connection?: object; client?: string }, form = forms['a list of enum values']) => {
    const held: Disposable[] = [];
    try {
      for (;;) held.push(open(form(held.length), whose()));
    } catch (error) {
      expect(error).toEqual(limitExceeded);
    }
    return held;
  };
  return { engine, open, fill };
}

describe('B03 what open operations hold', () => {
  it.each(Object.entries(forms))('is no more than is counted: %s', async (_name, form) => {
    const { engine } = await testGraph(await testServices());
    const COUNT = 60;
    const held: object[] = [];
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    // Past the cache, so that nothing but these is kept.
    for (let i = 0; i < COUNT; i++) held.push(engine.parse(form(i)));
    collectGarbage();
    const bytes = (process.memoryUsage().heapUsed - before) / COUNT;
    const counted = 2_000 + Number(engine.parse(form(0)).tokenCount) * 220 + form(0).length * 2;
    expect(bytes).toBeLessThan(counted);
    expect(held).toHaveLength(COUNT);
  });

  it('is bounded for a connection, which has room again when some are over', async () => {
    const { open, fill } = await openEngine();
    const connection = {};
    const held = fill(() => ({ connection }));
    expect(held.length).toBeGreaterThan(2);
    expect(held.length).toBeLessThan(8);
    open(forms.fields(0), { connection: {} });
    held.pop()?.[Symbol.dispose]();
    open(forms.fields(0), { connection });
  });

  it('is bounded for a client, and for all together', async () => {
    const { open, fill } = await openEngine();
    const first = fill(() => ({ client: 'a' }));
    expect(() => open(forms.fields(0), { client: 'a' })).not.toThrow();
    expect(first.length).toBeLessThan(30);
    const others = ['b', 'c', 'd', 'e', 'f'].map((client) =>
      fill(
        () => ({ client }),
        (i) => `# ${client}\n${forms['a list of enum values'](i)}`,
      ),
    );
    expect(others.map((each) => each.length).at(-1)).toBe(0);
    for (const each of first) each[Symbol.dispose]();
    expect(() => open(forms.fields(1), { client: 'f' })).not.toThrow();
  });

  it('counts equal documents once, of which there is one tree', async () => {
    const { engine, open } = await openEngine();
    const text = forms['a list of enum values'](0);
    const connection = {};
    const document = engine.parse(text);
    const held = Array.from({ length: 1_000 }, () => open(text, { connection }));
    // Long gone from what came lately.
    for (let i = 0; i < 400; i++) engine.parse(`{ __typename } # ${i}`.padEnd(60_000, 'x'));
    expect(engine.parse(`${text}`)).toBe(document);
    for (const each of held) each[Symbol.dispose]();
    expect(engine.parse(text)).not.toBe(document);
  });

  it('counts variables, and refuses those that nest too deeply', async () => {
    const { open } = await openEngine();
    const text = '{ __typename }';
    const connection = {};
    const variables = { junk: 'x'.repeat(MEBIBYTE) };
    open(text, { connection, variables });
    expect(() => open(text, { connection, variables })).toThrow(limitExceeded);
    open(text, { connection });
    const nested = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    expect(() => open(text, { connection, variables: nested })).toThrow('variables: expected at most 100 levels');
  });
});
