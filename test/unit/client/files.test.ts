import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { blobOf, type LocalFile, mapFiles, mediaTypeOf } from '../../../client/src/files.ts';

const bytes = new Uint8Array([1, 2, 3]);
const kinds: [string, () => LocalFile][] = [
  ['File', () => new File([bytes], 'boat.png')],
  ['Blob', () => new Blob([bytes])],
  ['Uint8Array', () => bytes],
  ['part of a Buffer', () => Buffer.from([0, 1, 2, 3, 4]).subarray(1, 4)],
  ['ArrayBuffer', () => bytes.buffer],
  ['ReadableStream', () => new Blob([bytes]).stream()],
  ['stream of Node', () => Readable.from([Buffer.from([1]), Buffer.from([2, 3])])],
];

test.each(kinds)('a %s is found anywhere in an input, and has its bytes', async (_, make) => {
  const found: [unknown, unknown][] = [];
  const input = { image: make(), files: [{ node: '1', file: make() }], prompt: 'a boat', seed: 0, mask: null };
  const mapped = await mapFiles(input, async (file, path) => {
    const blob = await blobOf(file);
    found.push([path, [...new Uint8Array(await blob.arrayBuffer())]]);
    return 'sent';
  });
  expect(found.sort()).toEqual([
    [
      ['files', 0, 'file'],
      [1, 2, 3],
    ],
    [['image'], [1, 2, 3]],
  ]);
  expect(mapped).toEqual({
    image: 'sent',
    files: [{ node: '1', file: 'sent' }],
    prompt: 'a boat',
    seed: 0,
    mask: null,
  });
});

test('a result is named by its id, and what names a file stays as it is', async () => {
  const artifact = { __typename: 'ImageArtifact', id: 'job:0', url: 'http://gateway/1.png', width: 8 };
  const input = { image: artifact, other: [{ upload: 'u' }, { url: 'https://example.com/a.png' }] };
  expect(await mapFiles(input, () => Promise.reject())).toEqual({ ...input, image: { artifact: 'job:0' } });
});

test('what has a form of its own in JSON keeps it', async () => {
  const at = new Date(0);
  expect(await mapFiles({ at }, () => Promise.reject())).toEqual({ at });
});

test.each([
  ['image/png', [0x89, 0x50, 0x4e, 0x47]],
  ['image/jpeg', [0xff, 0xd8, 0xff, 0xe0]],
  ['image/webp', [...Buffer.from('RIFF....WEBP')]],
  ['image/avif', [0, 0, 0, 28, ...Buffer.from('ftypavif')]],
  ['audio/mp4', [0, 0, 0, 28, ...Buffer.from('ftypM4A ')]],
  ['video/mp4', [0, 0, 0, 28, ...Buffer.from('ftypisom')]],
  ['audio/wav', [...Buffer.from('RIFF....WAVE')]],
  ['application/octet-stream', [1, 2, 3]],
])('bytes that begin as %s does are of that type', async (type, beginning) => {
  expect(await mediaTypeOf(new Blob([new Uint8Array(beginning)]))).toBe(type);
});

test('a file that says its type has that', async () => {
  expect(await mediaTypeOf(new Blob([bytes], { type: 'video/webm' }))).toBe('video/webm');
});
