import { expect, test } from 'vitest';
import type { Json } from '../../../../src/core/job.ts';
import { made, node, sampler, textToImage } from './made.ts';

/** The parameters of a node before the sampler, and the notes. */
async function found(class_type: string, inputs: { [name: string]: Json }, title?: string) {
  const graph = textToImage({
    '50': node(class_type, { ...inputs, model: ['4', 0], clip: ['4', 1] }, title),
    '3': sampler({ model: ['50', 0] }),
  });
  const { shown, notes } = await made(graph);
  const own = Object.entries(shown).filter(([, text]) => text.includes(' 50.'));
  return { own: own.map(([name, text]) => `${name}: ${text}`), notes: notes.join('\n') };
}

const stack = (names: string[]) =>
  Object.fromEntries(
    names.flatMap((name, index) => [
      [`lora_0${index + 1}`, name],
      [`strength_0${index + 1}`, 1],
    ]),
  );

test('a stack of slots without models has no strengths, which a note says', async () => {
  const { own, notes } = await found('Lora Loader Stack (rgthree)', stack(['None', 'None', 'None', 'None']));
  expect(own).toEqual([]);
  expect(notes).toContain('empty slots of node 50 (Lora Loader Stack (rgthree)) get no parameters');
});

test('of a stack only the slots with a model have strengths', async () => {
  const { own } = await found('Lora Loader Stack (rgthree)', stack(['None', 'a.safetensors', '', 'none']));
  expect(own).toEqual(['lora02: model a.safetensors -> 50.lora_02', 'strength02: float 1 -> 50.strength_02']);
});

test('a slot that is switched off has no strength', async () => {
  const slot = (number: number, on: Json) => ({
    [`switch_${number}`]: on,
    [`lora_name_${number}`]: 'a.safetensors',
    [`strength_${number}`]: 1,
  });
  const { own } = await found('Stack', { ...slot(1, 'Off'), ...slot(2, 'On'), ...slot(3, false) });
  expect(own.map((text) => text.split(':')[0]).filter((name) => name?.startsWith('strength'))).toEqual(['strength2']);
});

test('the number of a slot may stand amid the name', async () => {
  const slot = (number: number, name: string) => ({
    [`lora_${number}_name`]: name,
    [`lora_${number}_strength`]: 1,
    [`lora_${number}_clip_strength`]: 1,
  });
  const { own } = await found('Stack', { ...slot(1, 'None'), ...slot(2, 'b.safetensors'), num_loras: 2 });
  expect(own).toHaveLength(3);
  expect(own.join('\n')).not.toContain('lora_1_');
});

test('a single loader of none has neither a strength nor a model', async () => {
  expect((await found('LoraLoader', { lora_name: 'None', strength_model: 1, strength_clip: 1 })).own).toEqual([]);
});

test('what else stands in such a node is found', async () => {
  const inputs = { ckpt_name: 'a.safetensors', lora_name: 'None', lora_model_strength: 1, width: 640, batch_size: 1 };
  const { own } = await found('Efficient Loader', inputs);
  expect(own.map((text) => text.split(' ').at(-1))).toEqual(['50.width', '50.ckpt_name', '50.batch_size']);
});

test('a strength without a model beside it is found, and so is one that a title marks', async () => {
  expect((await found('Blend', { strength: 0.5, mode: 'None' })).own).toEqual(['strength: float 0.5 -> 50.strength']);
  const { own } = await found('Stack', { lora_1: 'None', strength_1: 1 }, '$strength');
  expect(own).toEqual(['strength: float 1 -> 50.strength_1']);
});
