import { expect, test } from 'vitest';
import { artifactKindsOf } from '../../../src/workflows/artifact-kinds.ts';
import { manifestSchema } from '../../../src/workflows/manifest.ts';

const node = (class_type: string, inputs = {}) => ({ class_type, inputs });

function manifest(changes: object = {}) {
  return manifestSchema.parse({ title: 'T', description: 'D', parameters: {}, ...changes });
}

test.each([
  ['SaveImage', 'image'],
  ['SaveAnimatedWEBP', 'image'],
  ['SaveVideo', 'video'],
  ['SaveWEBM', 'video'],
  ['VHS_VideoCombine', 'video'],
  ['SaveAudioMP3', 'audio'],
  ['PreviewAny', 'text'],
  ['ShowText|pysssss', 'text'],
  ['SaveLatent', 'file'],
])('%s at the end of a graph makes a result of the kind %s', (classType, kind) => {
  const graph = { 1: node('VAEDecode'), 2: node(classType, { images: ['1', 0] }) };
  expect(artifactKindsOf(graph, manifest())).toEqual([kind]);
});

test('each kind is told once, and previews only where the manifest wants them', () => {
  const graph = { 1: node('SaveImage'), 2: node('SaveImage'), 3: node('SaveAudio'), 4: node('PreviewImage') };
  expect(artifactKindsOf(graph, manifest())).toEqual(['image', 'audio']);
  expect(artifactKindsOf({ 4: graph[4] }, manifest())).toEqual([]);
  expect(artifactKindsOf(graph, manifest({ outputs: [{ node: '4' }] }))).toEqual(['image']);
});

test('what the manifest says is believed', () => {
  expect(artifactKindsOf({ 1: node('SaveImage') }, manifest({ makes: ['video', 'file'] }))).toEqual(['video', 'file']);
});
