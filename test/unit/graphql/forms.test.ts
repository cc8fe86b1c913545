import { expect, test } from 'vitest';
import { testGraph, testServices } from '../../support/graph-services.ts';

async function ask(query: string) {
  const { data, errors } = await (await testGraph(await testServices())).run(query);
  expect(errors).toBeUndefined();
  return data;
}

test('a workflow says what it makes, and its parameters what a form needs of them', async () => {
  const { inpaint, textToVideo } = await ask(`{ inpaint: workflow(name: "inpaint") { makes
    parameters { name title fileKind multiline advanced } } textToVideo: workflow(name: "textToVideo") { makes } }`);
  expect([inpaint.makes, textToVideo.makes]).toEqual([['IMAGE'], ['VIDEO']]);
  const plain = { fileKind: null, multiline: false, advanced: false };
  for (const parameter of [
    { ...plain, name: 'negativePrompt', title: 'Negative prompt', multiline: true },
    { ...plain, name: 'image', title: 'Image', fileKind: 'IMAGE' },
    { ...plain, name: 'mask', title: 'Mask', fileKind: 'MASK' },
    { ...plain, name: 'cfgScale', title: 'CFG scale', advanced: true },
    { ...plain, name: 'steps', title: 'Steps' },
  ])
    expect(inpaint.parameters).toContainEqual(parameter);
});

test('the limits of the installation are there for forms', async () => {
  const { limits } = await ask('{ limits { maxUploadBytes maxMegapixels maxWaitSeconds maxDeadlineSeconds maxTags } }');
  expect(limits).toEqual({
    maxUploadBytes: 100_000_000,
    maxMegapixels: 4,
    maxWaitSeconds: 60,
    maxDeadlineSeconds: 604_800,
    maxTags: 16,
  });
});
