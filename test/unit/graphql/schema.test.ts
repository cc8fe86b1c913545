import { readFileSync } from 'node:fs';
import {
  assertInputObjectType,
  buildSchema,
  findBreakingChanges,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import { expect, test } from 'vitest';
import { createSchema } from '../../../src/graphql/schema.ts';
import type { WorkflowCatalogue, WorkflowParameter } from '../../../src/workflows/catalogue.ts';
import { shippedCatalogue } from '../../support/graph-services.ts';

const contract = buildSchema(readFileSync(new URL('contract.graphql', import.meta.url), 'utf8'));

/** Everything in the schema that has a description or should have one, by its coordinate. */
function described(schema: GraphQLSchema): [coordinate: string, description: string | null | undefined][] {
  return Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .flatMap((type) => {
      const own: [string, string | null | undefined][] = [[type.name, type.description]];
      if (isEnumType(type))
        return [
          ...own,
          ...type.getValues().map((v): [string, typeof v.description] => [`${type.name}.${v.name}`, v.description]),
        ];
      if (isInputObjectType(type))
        return [
          ...own,
          ...Object.values(type.getFields()).map((f): [string, typeof f.description] => [
            `${type.name}.${f.name}`,
            f.description,
          ]),
        ];
      if (!isObjectType(type) && !isInterfaceType(type)) return own;
      return [
        ...own,
        ...Object.values(type.getFields()).flatMap((f): [string, typeof f.description][] => [
          [`${type.name}.${f.name}`, f.description],
          ...f.args.map((a): [string, typeof a.description] => [`${type.name}.${f.name}(${a.name}:)`, a.description]),
        ]),
      ];
    });
}

function parameter(changes: Partial<WorkflowParameter>): WorkflowParameter {
  return {
    name: 'p',
    title: 'P',
    multiline: false,
    advanced: false,
    type: 'STRING',
    list: false,
    required: false,
    description: null,
    default: null,
    minimum: null,
    maximum: null,
    multipleOf: null,
    minLength: null,
    maxLength: null,
    enumType: null,
    choices: null,
    modelOf: null,
    file: null,
    ...changes,
  };
}

function catalogueOf(workflows: { [name: string]: WorkflowParameter[] }): WorkflowCatalogue {
  const all = Object.entries(workflows).map(([name, parameters]) => ({
    name,
    title: name,
    description: null,
    makes: [],
    parameters,
    template: { hash: '', text: '', sizes: [] },
    nodesTotal: 1,
    parse: () => ({ ok: true as const, parameters: {} }),
    complete: (values: Parameters<WorkflowCatalogue['workflows'][number]['complete']>[0]) => values,
  }));
  return { workflows: all, get: (name) => all.find((workflow) => workflow.name === name) };
}

test('carries the contract: names, types, nullability and defaults', async () => {
  const schema = createSchema(await shippedCatalogue());
  // The contract names this input and leaves its fields to the workflow.
  const changes = findBreakingChanges(contract, schema).filter(
    ({ description }) => !description.includes('on input type ImageToImageInput'),
  );
  expect(changes).toEqual([]);
});

test('has the defaults of the contract, and one workflow for each request', async () => {
  const schema = createSchema(await shippedCatalogue());
  const inputs = Object.values(contract.getTypeMap()).filter(isInputObjectType);
  for (const { name, isOneOf, getFields } of inputs.map((type) => ({ ...type, getFields: () => type.getFields() }))) {
    const actual = assertInputObjectType(schema.getType(name));
    expect(actual.isOneOf, name).toBe(isOneOf);
    for (const field of Object.values(getFields())) {
      expect(actual.getFields()[field.name]?.defaultValue, `${name}.${field.name}`).toEqual(field.defaultValue);
    }
  }
});

/** What the schema has besides: shipped workflows, their choices, and additions that older clients need not know. */
const OF_OUR_OWN = new RegExp(
  [
    /enum type (Sampler|Scheduler)/,
    /^(ImageToImage|Inpaint|Upscale|TextToVideo|TextToAudio|CustomWorkflow)Input/,
    /WorkflowInput\.|CustomFileInput|FileKind|INPUT_INVALID|Artifact\.output|was removed\.$/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

test('asks for nothing and may leave out nothing that the contract does not say', async () => {
  // The other way round: what the contract has and the schema has must be the same in both directions.
  const schema = createSchema(await shippedCatalogue());
  const differences = findBreakingChanges(schema, contract).filter(({ description }) => !OF_OUR_OWN.test(description));
  expect(differences).toEqual([]);
});

test('describes every type, field, argument and enum value', async () => {
  const all = described(createSchema(await shippedCatalogue()));
  expect(all.length).toBeGreaterThan(150);
  expect(all.filter(([, description]) => !description?.trim()).map(([coordinate]) => coordinate)).toEqual([]);
});

test('says where each scalar of its own is specified', async () => {
  const text = printSchema(createSchema(await shippedCatalogue()));
  for (const name of ['DateTime', 'JSON', 'SafeInt'])
    expect(text).toMatch(new RegExp(`^scalar ${name} @specifiedBy\\(url: "https://[^"]+"\\)$`, 'm'));
});

test('is printed in lexicographic order', async () => {
  const schema = createSchema(await shippedCatalogue());
  expect(printSchema(schema)).toBe(printSchema(lexicographicSortSchema(schema)));
});

test('is built anew for each catalogue, with nothing left of the last', () => {
  const one = createSchema(catalogueOf({ upscale: [parameter({ name: 'factor', type: 'INT' })] }));
  const two = createSchema(
    catalogueOf({ inpaint: [parameter({})], upscale: [parameter({ name: 'by', type: 'FLOAT' })] }),
  );
  expect(printSchema(one)).toContain('factor: Int');
  expect(printSchema(two)).not.toContain('factor: Int');
  expect(printSchema(two)).toContain('by: Float');
});

test('gives each type of parameter its input type, with limits in the description', () => {
  const choices = [{ value: 'DPM_2', label: 'dpm_2' }];
  const text = printSchema(
    createSchema(
      catalogueOf({
        everything: [
          parameter({ name: 'text', required: true, minLength: 1, maxLength: 9 }),
          parameter({ name: 'count', type: 'INT', minimum: 1, maximum: 4, multipleOf: 2, default: 2 }),
          parameter({ name: 'ratio', type: 'FLOAT', minimum: 0.5, default: 1.5 }),
          parameter({ name: 'tiled', type: 'BOOLEAN', default: true }),
          parameter({ name: 'seed', type: 'SEED', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
          parameter({ name: 'model', type: 'MODEL', default: 'base.safetensors', modelOf: 'A.b' }),
          parameter({ name: 'how', type: 'ENUM', enumType: 'How', choices, default: 'DPM_2' }),
          parameter({ name: 'words', list: true, default: ['a', 'b'] }),
          parameter({ name: 'picture', type: 'FILE', file: 'image', required: true }),
          parameter({ name: 'sounds', type: 'FILE', file: 'audio', list: true }),
        ],
        other: [parameter({ name: 'how', type: 'ENUM', enumType: 'How', choices })],
      }),
    ),
  );
  for (const line of [
    'text: String!',
    'count: Int = 2',
    'ratio: Float = 1.5',
    'tiled: Boolean = true',
    'seed: SafeInt\n',
    'model: String\n',
    'how: How = DPM_2',
    'words: [String!] = ["a", "b"]',
    'picture: FileInput!',
    'sounds: [FileInput!]\n',
    'A picture.',
    "Sound; absent: the graph's own.",
    '1 to 9 characters',
    '1 to 4, a multiple of 2',
    'At least 0.5',
    '0 to 2^53-1',
    'Absent: `base.safetensors`',
    'ComfyUI calls it `dpm_2`',
  ]) {
    expect(text).toContain(line);
  }
});

test('takes input files for workflows of the catalogue and for custom graphs', async () => {
  const text = printSchema(createSchema(await shippedCatalogue()));
  const input = (name: string) => new RegExp(`\\ninput ${name} .*?\\n}`, 's').exec(text)?.[0] ?? '';
  expect(input('FileInput')).toContain('@oneOf');
  for (const [name, lines] of Object.entries({
    FileInput: ['upload: ID\n', 'url: String\n'],
    ImageToImageInput: ['image: FileInput!', 'denoise: Float = 0.75'],
    InpaintInput: ['image: FileInput!', 'mask: FileInput!'],
    CustomWorkflowInput: ['files: [CustomFileInput!]\n', 'outputs: [String!]\n', 'keepMetadata: Boolean = false'],
    CustomFileInput: ['file: FileInput!', 'input: String!', 'kind: FileKind\n', 'node: String!'],
  })) {
    for (const line of lines) expect(input(name), name).toContain(`\n  ${line}`);
  }
});

test('refuses a catalogue whose names are taken', () => {
  expect(() => createSchema(catalogueOf({ generate: [] }))).toThrow(/GenerateInput/);
});
