import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { graphInput, openTarget, pictureInput, type Target } from '../../support/attack.ts';
import { disposals } from '../../support/disposals.ts';
import { generated } from '../../support/gateway-client.ts';

const generatedSchema = z.object({
  generate: z.object({ job: z.object({ id: z.string(), parameters: z.record(z.string(), z.unknown()) }) }),
});

describe('values that attack', { timeout: 60_000 }, () => {
  const suite = disposals();
  let target: Target;

  beforeAll(async () => {
    target = await openTarget(suite);
  }, 120_000);
  afterAll(() => target.expectUnharmed());

  const expectIssues = async (variables: unknown, issues: RegExp[]) => {
    const struck = await target.generate(variables);
    expect(struck.code).toBe('BAD_USER_INPUT');
    expect(struck.issues).toHaveLength(issues.length);
    for (const issue of issues) expect(struck.issues).toContainEqual(expect.stringMatching(issue));
  };

  it.each<[string, object, RegExp]>([
    ['A21 an empty prompt', { prompt: '' }, /prompt: expected text of 1 to 5000 characters, got none$/],
    ['A21 a prompt of 900 KB', { prompt: 'x'.repeat(900_000) }, /prompt: .*got 900000 characters$/],
    ['A21 one emoji too many', { prompt: '😀'.repeat(5_001) }, /prompt: .*got 5001 characters$/],
    ['A21 NUL in a prompt', { prompt: 'a\0b' }, /prompt: expected text without NUL/],
    ['A22 width 0', { width: 0 }, /width: expected an integer from 64 to 2048, a multiple of 8, got 0$/],
    ['A22 width -8', { width: -8 }, /width: expected .*got -8$/],
    ['A22 width 7', { width: 7 }, /width: expected .*got 7$/],
    ['A22 width 65', { width: 65 }, /width: expected .*a multiple of 8, got 65$/],
    ['A22 width 99999', { width: 99_999 }, /width: expected .*got 99999$/],
    ['A22 too many pixels', { width: 2_048, height: 2_048 }, /width: expected .*at most 4 megapixels/],
    ['A23 too many steps', { steps: 151 }, /steps: expected an integer from 1 to 150, got 151$/],
    ['A24 a seed over 2^53-1', { seed: 2 ** 53 }, /seed: expected an integer/],
    ['A24 a seed below 0', { seed: -1 }, /seed: expected an integer from 0 to 9007199254740991, got -1$/],
    ['A24 a seed as text', { seed: '5' }, /seed: expected an integer/],
    ['A27 an unknown sampler', { sampler: 'euler' }, /sampler: expected one of .*EULER/],
    ['A28 a model above its folder', { model: '../../etc/passwd' }, /model: expected a model file's name below/],
    ['A28 a model by absolute name', { model: '/etc/passwd' }, /model: expected a model file's name below/],
    ['A28 a model of Windows', { model: '..\\..\\x' }, /model: expected a model file's name below/],
  ])('%s is named with what was expected', async (_name, parameters, issue) => {
    await expectIssues(pictureInput(parameters), [issue]);
  });

  it('A21 half a surrogate pair, and A24 and A25 what only raw JSON can say', async () => {
    const issue = async (variables: unknown, json: string) => (await target.generateWith(variables, json)).issues[0];
    expect(await issue(pictureInput({ prompt: '@' }), '"a\\ud800"')).toMatch(/half of a surrogate pair/);
    for (const seed of ['9007199254740993', '1e400', '1e-1', '123456789012345678901234567890']) {
      expect(await issue(pictureInput({ seed: '@' }), seed)).toMatch(/seed: expected an integer/);
    }
    const struck = await target.generateWith(pictureInput({ seed: '@' }), '-0');
    expect(generatedSchema.parse(struck.data).generate.job.parameters.seed).toBe(0);
  });

  it('A25 __proto__ and constructor are unknown fields like any other', async () => {
    const parameters: object = JSON.parse('{"__proto__": {"steps": 5}, "constructor": {"prototype": {}}}');
    await expectIssues(pictureInput(parameters), [/__proto__: unknown field/, /constructor: unknown field/]);
    expect((await target.ask('{ workflow(name: "__proto__") { name } }')).data).toEqual({ workflow: null });
  });

  it('A26 every fault is named at once', async () => {
    const parameters = { prompt: '', width: 7, steps: 0, seed: -1, sampler: 'X', colour: 'red' };
    await expectIssues(pictureInput(parameters, { idempotencyKey: '', deadlineSeconds: 0, tags: [''] }), [
      ...[
        /\.prompt: /,
        /\.width: /,
        /\.steps: /,
        /\.seed: /,
        /\.sampler: /,
        /\.colour: unknown field; expected .*width/,
      ],
      ...[/\.idempotencyKey: /, /\.deadlineSeconds: /, /\.tags\.0: /],
    ]);
  });

  it('A26 a megabyte of unknown fields does not hold up the next caller', async () => {
    const flood = Object.fromEntries(Array.from({ length: 90_000 }, (_, i) => [i.toString(36), 1]));
    const began = performance.now();
    const struck = target.generate(pictureInput(flood));
    await target.ask('{ __typename }');
    expect((await struck).code).toBe('BAD_USER_INPUT');
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('A28, A29 where a graph would write or read is not for the caller to say', async () => {
    const picture = { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } };
    const inputs = { images: ['1', 0], filename_prefix: '../../../etc/x' };
    const saved = await target.generate(graphInput({ 1: picture, 2: { class_type: 'SaveImage', inputs } }));
    const { job } = await target.gateway.watch(generatedSchema.parse(saved.data).generate.job.id).end();
    expect(job.artifacts).toEqual([
      expect.objectContaining({ filename: expect.stringMatching(/^custom-[0-9a-f]{8}-2_00001_\.png$/) }),
    ]);
    for (const image of ['../../../etc/passwd', 'x.png [output]']) {
      const load = { 1: { class_type: 'LoadImage', inputs: { image } }, 2: { class_type: 'SaveImage', inputs } };
      const asked = await target.generate(graphInput(load));
      const ended = await target.gateway.watch(generatedSchema.parse(asked.data).generate.job.id).end();
      expect(ended.job).toMatchObject({ status: 'FAILED', error: { code: 'WORKFLOW_REJECTED', retryable: false } });
    }
  });

  it.each<[string, string, RegExp]>([
    ['no node', '{}', /graph: expected at least one node/],
    ['a list', '[]', /graph: expected an object of node id -> node/],
    ['a node that is none', '{"a": 1}', /graph\.a: expected a node/],
    ['a node without a class', '{"a": {"inputs": {}}}', /graph\.a\.class_type: expected the name of a node class/],
    [
      'a link to nowhere',
      '{"1": {"class_type": "SaveImage", "inputs": {"images": ["9", 0]}}}',
      /expected a link to a node/,
    ],
    ['A25 __proto__ as a node', '{"__proto__": {"class_type": "X", "inputs": {}}}', /expected no key __proto__/],
    [
      'A25 __proto__ as an input',
      '{"1": {"class_type": "X", "inputs": {"__proto__": {}}}}',
      /expected no key __proto__ at 1\.inputs/,
    ],
    ['A24 infinity', '{"1": {"class_type": "X", "inputs": {"a": 1e400}}}', /not the one at 1\.inputs\.a/],
    [
      '65 levels',
      `{"1": {"class_type": "X", "inputs": {"a": ${'['.repeat(65)}${']'.repeat(65)}}}}`,
      /at most 64 levels/,
    ],
  ])('a graph with %s is refused', async (_name, graph, issue) => {
    const struck = await target.generateWith(graphInput('@'), graph);
    expect(struck).toMatchObject({ code: 'BAD_USER_INPUT', issues: [expect.stringMatching(issue)] });
  });

  it('a graph of 1,000 nodes in a circle ends as a failed job, one of 1,001 is refused', async () => {
    // With one result, so that it takes a ComfyUI to find the circle.
    const circle = (size: number) => ({
      ...Object.fromEntries(
        Array.from({ length: size - 1 }, (_, i) => [
          String(i),
          { class_type: 'ImageInvert', inputs: { image: [String((i + 1) % (size - 1)), 0] } },
        ]),
      ),
      save: { class_type: 'SaveImage', inputs: { images: ['0', 0], filename_prefix: 'x' } },
    });
    const taken = await target.generate(graphInput(circle(1_000)));
    const ended = await target.gateway.watch(generatedSchema.parse(taken.data).generate.job.id).end();
    expect(ended.job.error?.code).toBe('WORKFLOW_REJECTED');
    expect((await target.generate(graphInput(circle(1_001)))).issues).toEqual([
      expect.stringMatching(/at most 1000 nodes, got 1001/),
    ]);
  });

  it('A09 a hundred megabytes of graphs do not keep anyone from their jobs', async () => {
    // Accepted, since only a ComfyUI sees that the node needs itself.
    const inputs = { images: ['1', 0], filename_prefix: 'x', text: 'x'.repeat(900_000) };
    const large = { 1: { class_type: 'SaveImage', inputs } };
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 6 }, () => target.generate(graphInput(large))));
    const page = await target.ask('{ jobs(first: 100) { nodes { id parameters } pageInfo { hasNextPage } } }');
    expect(page).toMatchObject({ status: 200, data: { jobs: { pageInfo: { hasNextPage: true } } } });
    expect(page.text.length).toBeLessThan(5_000_000);
    generated(await target.gateway.tryGenerate());
    const names = Array.from({ length: 30 }, (_, i) => `p${i}: parameters`).join(' ');
    expect((await target.ask(`{ jobs(first: 100) { nodes { ${names} } } }`)).code).toBe('LIMIT_EXCEEDED');
  });

  it.each<[string, unknown, RegExp]>([
    ['missing', undefined, /idempotencyKey: expected a value/],
    ['empty', '', /1 to 255 characters, got none/],
    ['of 256 characters', 'a'.repeat(256), /at most 255/],
    ['of 256 emoji', '😀'.repeat(256), /at most 255/],
    ['with a line break', 'a\r\nb', /printable/],
    ['with NUL', 'a\0', /printable/],
    ['with half a surrogate pair', 'a\ud800', /printable/],
  ])('A33 a key %s is refused', async (_name, idempotencyKey, issue) => {
    await expectIssues(pictureInput({}, { idempotencyKey }), [issue]);
  });

  it('A33, A34, A35, A36, A38 one key makes one job, whatever way its input is written', async () => {
    const idempotencyKey = '😀'.repeat(219) + randomUUID();
    expect((await target.generate(pictureInput({ width: 7 }, { idempotencyKey }))).code).toBe('BAD_USER_INPUT');
    const variables = pictureInput({}, { idempotencyKey });
    const struck = await Promise.all(Array.from({ length: 50 }, () => target.generate(variables)));
    const jobs = new Set(struck.map(({ data }) => generatedSchema.parse(data).generate.job.id));
    expect(jobs.size).toBe(1);
    expect(struck.filter(({ text }) => text.includes('"replayed":false'))).toHaveLength(1);

    const literal = await target.ask(
      `mutation($k: String!) { x: generate(input: {tags: [], priority: NORMAL, workflow: {textToImage:
        {height: 64, width: 64, cfgScale: 7, steps: 1, seed: null, prompt: "x"}}, idempotencyKey: $k})
        { y: replayed } }`,
      { k: idempotencyKey },
    );
    expect(literal.data).toEqual({ x: { y: true } });
    const other = await target.generate(pictureInput({ prompt: 'y' }, { idempotencyKey }));
    expect(other.code).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(other.text).toContain([...jobs].join());
  });

  it('tags and deadlines have their bounds', async () => {
    const longest = ['😀'.repeat(64), ...Array.from({ length: 15 }, (_, i) => `a:b*?[] ${i}`)];
    expect((await target.generate(pictureInput({}, { tags: longest, deadlineSeconds: 604_800 }))).code).toBeUndefined();
    await expectIssues(pictureInput({}, { tags: [...longest, 'x'] }), [/tags: expected at most 16/]);
    await expectIssues(pictureInput({}, { tags: ['😀'.repeat(65)] }), [/tags\.0: expected at most 64/]);
    for (const deadlineSeconds of [0, -1, 604_801, 2 ** 31, 1.5, '5']) {
      await expectIssues(pictureInput({}, { deadlineSeconds }), [/deadlineSeconds: expected /]);
    }
  });

  it('A64 nothing that a caller sends writes a line of the log, and job lines carry the request id', async () => {
    const evil = 'evil\r\n{"level":"fatal","msg":"forged"}\u001b[31m';
    const requestId = `attack-${randomUUID()}`;
    const inputs = { images: ['1', 0], filename_prefix: evil };
    const variables = graphInput({ 1: { class_type: 'SaveImage', inputs, _meta: { title: evil } } });
    const query = 'mutation G($input: GenerateInput!) { generate(input: $input) { replayed job { id parameters } } }';
    const struck = await target.post(JSON.stringify({ query, variables }), {
      headers: { 'content-type': 'application/json', 'x-request-id': requestId },
    });
    expect(struck.headers.get('x-request-id')).toBe(requestId);
    const { id } = generatedSchema.parse(struck.data).generate.job;
    expect((await target.gateway.watch(id).end()).job.status).toBe('FAILED');
    await target.gateway.process.until(new RegExp(`"requestId":"${requestId}".*"msg":"job failed"`));
    expect(target.gateway.process.output()).not.toContain('forged');
  });
});
