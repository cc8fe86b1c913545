import { expect, test } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import { testGraph, testJob, testServices } from '../../support/graph-services.ts';

const generate = 'mutation M($input: GenerateInput!) { generate(input: $input) { replayed } }';

async function issuesOf(query: string, variables?: { [name: string]: unknown }) {
  const { run } = await testGraph(await testServices());
  const { errors, data } = await run(query, variables);
  expect(data ?? null).toBeNull();
  expect(errors).toHaveLength(1);
  expect(errors[0].extensions.code).toBe('BAD_USER_INPUT');
  return errors[0].extensions.issues.map(
    ({ path, message }: { path: (string | number)[]; message: string }) => `${path.join('.')}: ${message}`,
  );
}

const request = (textToImage: unknown, more: object = {}) => ({
  input: { idempotencyKey: 'k', workflow: { textToImage }, ...more },
});

test('names every fault of types and of limits at once, by its path', async () => {
  const issues = await issuesOf(
    generate,
    request(
      { prompt: '', width: 7, height: 'tall', steps: 999, sampler: 'BOGUS', colour: 'red' },
      { idempotencyKey: '', deadlineSeconds: 0, priority: 'URGENT', tags: ['a', 3] },
    ),
  );
  expect(issues).toHaveLength(10);
  for (const expected of [
    /^input\.idempotencyKey: expected 1 to 255 characters, got none$/,
    /^input\.deadlineSeconds: expected at least 1 second$/,
    /^input\.priority: expected one of HIGH, LOW, NORMAL$/,
    /^input\.tags\.1: expected a string$/,
    /^input\.workflow\.textToImage\.prompt: /,
    /^input\.workflow\.textToImage\.width: /,
    /^input\.workflow\.textToImage\.height: expected an integer of 32 bits$/,
    /^input\.workflow\.textToImage\.steps: /,
    /^input\.workflow\.textToImage\.sampler: expected one of .*EULER/,
    /^input\.workflow\.textToImage\.colour: unknown field; expected .*prompt/,
  ]) {
    expect(issues).toContainEqual(expect.stringMatching(expected));
  }
});

test('A26: names unknown fields, also __proto__ and constructor (A25), and leaves prototypes alone', async () => {
  const textToImage: unknown = JSON.parse('{"prompt": "x", "__proto__": {"admin": true}, "constructor": {}}');
  const issues = await issuesOf(generate, request(textToImage));
  expect(issues.map((issue: string) => issue.split(':')[0])).toEqual([
    'input.workflow.textToImage.__proto__',
    'input.workflow.textToImage.constructor',
  ]);
  expect(Object.hasOwn(Object.prototype, 'admin')).toBe(false);
});

test('names the nearest of what there is', async () => {
  const issues = await issuesOf(
    generate,
    request({ prompt: 'x', sampler: 'EULR', negativprompt: 'y' }, { priority: 'hi' }),
  );
  for (const expected of [
    /sampler: expected one of .*; did you mean EULER/,
    /negativprompt: unknown field; expected .*; did you mean negativePrompt\?$/,
    /priority: expected one of HIGH, LOW, NORMAL$/,
  ]) {
    expect(issues).toContainEqual(expect.stringMatching(expected));
  }
});

test('names what is missing', async () => {
  expect(await issuesOf(generate, {})).toEqual(['input: expected a value']);
  expect(await issuesOf(generate, { input: { workflow: { textToImage: { prompt: null } } } })).toEqual([
    'input.idempotencyKey: expected a value',
    'input.workflow.textToImage.prompt: expected a value',
  ]);
});

test.each([
  ['none', {}],
  ['two', { textToImage: { prompt: 'x' }, custom: { graph: {} } }],
  ['a null', { textToImage: null }],
])('takes exactly one workflow, not %s', async (_name, workflow) => {
  const issues = await issuesOf(generate, { input: { idempotencyKey: 'k', workflow } });
  const names = ['custom', 'imageToImage', 'inpaint', 'textToAudio', 'textToImage', 'textToVideo', 'upscale'];
  expect(issues).toEqual([`input.workflow: expected exactly one of ${names.join(', ')}`]);
});

test('finds the path of a variable that stands within an argument', async () => {
  const issues = await issuesOf(
    'mutation M($w: Int) { generate(input: {idempotencyKey: "k", workflow: {textToImage: {prompt: "x", ' +
      'width: $w}}}) { replayed } }',
    { w: 'wide' },
  );
  expect(issues).toEqual(['input.workflow.textToImage.width: expected an integer of 32 bits']);
});

test('says nothing of a file whose variable is not known yet, and all of one that is', async () => {
  const document = `mutation M($id: ID!) { generate(input: {
    idempotencyKey: "k", workflow: {inpaint: {prompt: 1, image: {upload: $id}, mask: {url: "ftp://x"}}}
  }) { replayed } }`;
  expect(await issuesOf(document, { id: 'x' })).toEqual([
    'input.workflow.inpaint.prompt: expected a string',
    'input.workflow.inpaint.mask.url: expected an https address, got "ftp://x"',
  ]);
});

test('names faults of literals by their path, and takes unknown variables for right', async () => {
  const issues = await issuesOf(
    `mutation M($key: String!) { generate(input: {
      idempotencyKey: $key, workflow: {textToImage: {prompt: 1, width: 512.0, sampler: "EULER", seed: 1e3}}
    }) { replayed } }`,
    { key: 'k' },
  );
  expect(issues).toHaveLength(4);
  expect(issues).toContainEqual('input.workflow.textToImage.prompt: expected a string');
  expect(issues).toContainEqual(expect.stringMatching(/^input\.workflow\.textToImage\.width: Int cannot represent/));
  expect(issues).toContainEqual(expect.stringMatching(/^input\.workflow\.textToImage\.sampler: Enum "Sampler" cannot/));
  expect(issues).toContainEqual('input.workflow.textToImage.seed: expected an integer from -(2^53-1) to 2^53-1');
});

test("an argument that fails only when it is executed is the caller's fault too", async () => {
  const { run } = await testGraph(await testServices());
  const { errors } = await run(
    `mutation M($p: String = "x") { generate(input: {idempotencyKey: "k", workflow: {textToImage: {prompt: ` +
      `$p}}}) { replayed } }`,
    { p: null },
  );
  expect(errors[0].extensions.code).toBe('BAD_USER_INPUT');
});

test('says where in a graph a number is that none holds', async () => {
  const graph: unknown = JSON.parse('{"3": {"class_type": "K", "inputs": {"seed": 1e400}}}');
  const issues = await issuesOf(generate, { input: { idempotencyKey: 'k', workflow: { custom: { graph } } } });
  expect(issues).toEqual([expect.stringMatching(/^input\.workflow\.custom\.graph: .*3\.inputs\.seed/)]);
});

test('does not tire of a thousand faults', async () => {
  const issues = await issuesOf(generate, request({ prompt: 'x' }, { tags: Array.from({ length: 1000 }, () => 1) }));
  expect(issues.length).toBeGreaterThan(10);
  expect(issues.length).toBeLessThanOrEqual(100);
});

test('null is as if absent', async () => {
  const calls: unknown[] = [];
  const services = await testServices({
    jobs: {
      async generate(given) {
        calls.push(given);
        return { job: testJob(), replayed: false };
      },
    },
  });
  const { run } = await testGraph(services);
  const { data } = await run(
    generate,
    request(
      { prompt: 'x' },
      { priority: null, tags: null, deadlineSeconds: null, waitSeconds: null, comfyOrgApiKey: null },
    ),
  );
  expect(data).toEqual({ generate: { replayed: false } });
  expect(calls).toEqual([
    {
      identity: anonymous,
      requestId: 'request-1',
      path: ['input'],
      idempotencyKey: 'k',
      workflow: { name: 'textToImage', input: expect.objectContaining({ prompt: 'x', width: 512 }) },
      priority: 'NORMAL',
      deadlineSeconds: null,
      tags: [],
      comfyOrgApiKey: null,
      waitSeconds: null,
      signal: expect.any(AbortSignal),
      client: '127.0.0.1',
    },
  ]);
});

test('A26: answers at once to a megabyte of unknown fields, wherever they stand', async () => {
  const flood = Object.fromEntries(Array.from({ length: 90_000 }, (_, i) => [i.toString(36), 1]));
  // Of this process's own time: others may have the machine.
  const began = process.cpuUsage();
  for (const input of [request({ prompt: 'x', ...flood }), request({ prompt: 'x' }, flood)]) {
    const issues = await issuesOf(generate, input);
    expect(issues).toHaveLength(100);
    expect(issues[0]).toMatch(/: unknown field; expected /);
  }
  const list = 'query Q($filter: JobFilter) { jobs(filter: $filter) { nodes { id } } }';
  expect(await issuesOf(list, { filter: flood })).toHaveLength(100);
  const { user, system } = process.cpuUsage(began);
  expect((user + system) / 1000).toBeLessThan(10_000);
});
