import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { type AnswerForm, answerForms, parseForm } from '../../../worker/comfyui/answers.ts';
import { parsePromptMessage } from '../../../worker/comfyui/messages.ts';
import { fuzzSeed, mutatedJson } from '../../support/mutated-json.ts';

const traces = join(import.meta.dirname, '../../comfyui/recorded/traces');
const { runs } = JSON.parse(readFileSync(join(traces, '01_single_image.json'), 'utf8'));
const [run] = runs;
/** Everything that a ComfyUI has said of a prompt, its history and messages among it. */
const said: unknown[] = [run, ...Object.values(run), ...run.ws_messages];
const forms = Object.keys(answerForms) as AnswerForm[];

const asBytes = fc.oneof(
  fc
    .constantFrom(...said)
    .chain(mutatedJson)
    .map((value) => Buffer.from(JSON.stringify(value) ?? '')),
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 1, max: 200_000 }).map((depth) => Buffer.from('['.repeat(depth))),
);

test('whatever a ComfyUI answers, it is read, or refused with an error of its form', () => {
  const property = fc.property(fc.constantFrom(...forms), asBytes, (form, bytes) => {
    try {
      parseForm(form, bytes);
    } catch (error) {
      const known = error instanceof RangeError || error instanceof SyntaxError || error instanceof z.ZodError;
      if (!known) throw error;
      // A parser that ran out of its stack would be a fault of ours.
      expect(error.message).not.toContain('call stack');
    }
  });
  fc.assert(property, { seed: fuzzSeed('answers of ComfyUI'), numRuns: 1_000 });
});

test('whatever a ComfyUI says on its socket, it is a message or nothing', () => {
  const property = fc.property(asBytes, (bytes) => {
    const message = parsePromptMessage(bytes.toString(), () => true);
    if (message !== null) expect(message).toHaveProperty('type');
  });
  fc.assert(property, { seed: fuzzSeed('messages of ComfyUI'), numRuns: 1_000 });
});
