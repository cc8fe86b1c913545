import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inputsOfCatalogue } from '../../../client/src/cli/inputs-of-catalogue.ts';
import { inputsOfSchema } from '../../../client/src/cli/inputs-of-schema.ts';
import { writeTypes } from '../../../client/src/cli/write-types.ts';
import type { WorkflowParameter } from '../../../client/src/comfy.ts';

const schema = readFileSync(join(import.meta.dirname, '..', '..', '..', 'schema.graphql'), 'utf8');

test('a schema tells what each workflow takes', async () => {
  const inputs = await inputsOfSchema(schema);
  expect(inputs.map(({ name }) => name)).toContain('textToImage');
  const inpaint = inputs.find(({ name }) => name === 'inpaint');
  const types = Object.fromEntries(inpaint?.fields.map(({ name, type, required }) => [name, [type, required]]) ?? []);
  expect(types).toMatchObject({
    image: ['FileInput', true],
    prompt: ['string', true],
    steps: ['number', false],
    seed: ['number', false],
    maskChannel: ['"ALPHA" | "BLUE" | "GREEN" | "RED"', false],
  });
});

test('a schema of something else is refused', async () => {
  await expect(inputsOfSchema('type Query { a: Int }')).rejects.toThrow('expected the schema of a gateway');
});

const parameter = (given: Partial<WorkflowParameter>): WorkflowParameter => ({
  name: 'x',
  title: 'X',
  description: null,
  type: 'STRING',
  required: true,
  advanced: false,
  list: false,
  multiline: false,
  default: null,
  minimum: null,
  maximum: null,
  multipleOf: null,
  maxLength: null,
  fileKind: null,
  choices: null,
  ...given,
});

test('the query of workflows tells the same, and the limits', () => {
  const text = writeTypes(
    inputsOfCatalogue([
      {
        name: 'blend',
        title: 'Blend',
        description: 'Ends */ here\nand goes on.',
        makes: [],
        backends: [],
        parameters: [
          parameter({ name: 'images', type: 'FILE', list: true }),
          parameter({ name: 'mode', type: 'ENUM', required: false, choices: [{ value: 'ADD', label: 'add' }] }),
          parameter({ name: 'width', type: 'INT', minimum: 64, maximum: 128, multipleOf: 8, default: 64 }),
          parameter({ name: 'model', type: 'MODEL', choices: [{ value: 'a', label: 'a' }] }),
          parameter({ name: 'a-b }; evil', type: 'BOOLEAN' }),
        ],
      },
    ]),
    'http://127.0.0.1:4000',
  );
  expect(text).toContain(`    /** Ends *\\/ here and goes on. */
    blend: {
      /** X. */
      images: FileInput[];
      /** X. */
      mode?: "ADD";
      /** X. 64 to 128. A multiple of 8. Default: 64. */
      width: number;
      /** X. */
      model: string;
      /** X. */
      "a-b }; evil": boolean;
    };
`);
});
