import { expect, test } from 'vitest';
import { createSchema } from '../../../src/graphql/schema.ts';
import type { WorkflowCatalogue } from '../../../src/workflows/catalogue.ts';
import { shippedCatalogue, testEvent, testGraph, testServices } from '../../support/graph-services.ts';

const all = await shippedCatalogue();

/** Of the shipped workflows those of these names. */
function only(...names: string[]): WorkflowCatalogue {
  const workflows = all.workflows.filter(({ name }) => names.includes(name));
  return { workflows, get: (name) => workflows.find((workflow) => workflow.name === name) };
}

const upscale = `mutation { generate(input: { idempotencyKey: "k", workflow: { upscale: {
  image: { url: "https://example.org/a.png" } } } }) { job { id } } }`;

test('a document that was valid is refused once the schema has changed, until that has changed back', async () => {
  const { engine, run } = await testGraph(await testServices());
  const faultsNow = () => engine.validate(engine.parse(upscale)).map(({ extensions }) => extensions.code);
  expect(faultsNow()).toEqual([]);
  engine.use(createSchema(only('textToImage')));
  expect(faultsNow()).toEqual(['BAD_USER_INPUT']);
  const { data } = await run('{ __type(name: "WorkflowInput") { inputFields { name } } }');
  expect(data).toEqual({ __type: { inputFields: [{ name: 'custom' }, { name: 'textToImage' }] } });
  engine.use(createSchema(only('upscale')));
  expect(faultsNow()).toEqual([]);
});

test('an operation that waited while the schema changed is not begun where it is not valid now', async () => {
  const { engine, contextValue, lines } = await testGraph(await testServices());
  const document = engine.parse(upscale);
  expect(engine.validate(document)).toEqual([]);
  engine.use(createSchema(only('textToImage')));
  const { data, errors = [] } = await engine.execute({ document, contextValue });
  expect(data).toBeUndefined();
  expect(errors.map(({ extensions }) => extensions)).toEqual([
    {
      code: 'BAD_USER_INPUT',
      issues: [expect.objectContaining({ path: ['input', 'workflow', 'upscale'], code: 'unknown_field' })],
    },
  ]);
  expect(lines).toEqual([]);
});

test('a subscription goes on when the schema changes, and one that waited is checked again', async () => {
  const services = await testServices();
  services.feed.open('job');
  const { engine, contextValue } = await testGraph(services);
  const document = engine.parse('subscription W($id: ID!) { jobProgress(id: $id) { seq } }');
  const operation = { document, variableValues: { id: 'job' }, contextValue };
  const results = await engine.subscribe(operation);
  if (!(Symbol.asyncIterator in results)) throw new Error(JSON.stringify(results));
  engine.use(createSchema(only()));
  services.feed.say('job', testEvent(2));
  expect(await results.next()).toMatchObject({ value: { data: { jobProgress: { seq: 2 } } } });

  const two = engine.parse(
    `subscription W { jobProgress(id: "job") { seq } }
     mutation G($it: TextToImageInput!) {
       generate(input: { idempotencyKey: "k", workflow: { textToImage: $it } }) { replayed } }`,
  );
  const waited = await engine.subscribe({ document: two, operationName: 'W', contextValue });
  expect(waited).toMatchObject({ errors: expect.any(Array) });
});
