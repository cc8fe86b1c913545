import { expect, test } from 'vitest';
import type { Graph } from '../../../../src/core/graph.ts';
import { made, node } from './made.ts';

const saved = (first: Graph[string]): Graph => ({
  '1': first,
  '2': node('SaveImage', { images: ['1', 0], filename_prefix: 'x' }),
});
/** What the first input of a class becomes. */
async function taken(first: Graph[string], classes = {}): Promise<{ files: string[]; notes: string }> {
  const { manifest, notes } = await made(saved(first), { classes });
  const files = Object.values(manifest.parameters).flatMap(({ file }) => file ?? []);
  return { files, notes: notes.join('\n') };
}
const video = [['a.mp4'], { video_upload: true }];
const numbers = { frame_load_cap: 2 };

test.for<[what: string, first: Graph[string], classes: object]>([
  [
    'a class that declares a text',
    node('VHS_LoadVideoPath', { video: 'clip.mp4', ...numbers }),
    {
      VHS_LoadVideoPath: { input: { required: { video: ['STRING', {}] } } },
    },
  ],
  [
    'a class that declares a list without uploads',
    node('LoadOwn', { image: 'a.png', ...numbers }),
    {
      LoadOwn: { input: { required: { image: [['a.png'], {}] } } },
    },
  ],
  ['a class that is called for it', node('VHS_LoadVideoPath', { video: 'input/clip.mp4', ...numbers }), {}],
  ['an input that is called for it', node('Image Load', { image_path: 'input/pic.png', ...numbers }), {}],
  ['a value from a root', node('LoadSome', { image: '/data/pic.png', ...numbers }), {}],
  ['a value from a drive', node('LoadSome', { image: 'C:\\pics\\pic.png', ...numbers }), {}],
  ['an address', node('LoadSome', { image: 'https://example.org/pic.png', ...numbers }), {}],
  ['a value through a folder of ComfyUI', node('LoadSome', { image: 'output/pic.png', ...numbers }), {}],
])('%s takes a path, and gets no file of a caller', async ([, first, classes]) => {
  const { files, notes } = await taken(first, classes);
  expect(files).toEqual([]);
  expect(notes).toContain("a path at the server, and no file of a caller's, goes to node 1");
});

test.for<[what: string, first: Graph[string], classes: object, kind: string]>([
  ['a picture of stock', node('LoadImage', { image: 'a.png' }), {}, 'image'],
  ['a picture in a folder', node('LoadImage', { image: 'pasted/a.png' }), {}, 'image'],
  ['a mask of stock', node('LoadImageMask', { image: 'a.png', channel: 'alpha' }), {}, 'mask'],
  ['a result of before', node('LoadImageOutput', { image: 'a.png [output]' }), {}, 'image'],
  ['a sound', node('LoadAudio', { audio: 'a.flac' }), {}, 'audio'],
  ['a film', node('LoadVideo', { file: 'a.mp4' }), {}, 'video'],
  [
    'a film of a pack',
    node('VHS_LoadVideo', { video: 'a.mp4' }),
    { VHS_LoadVideo: { input: { required: { video } } } },
    'video',
  ],
  [
    'what no name says',
    node('Open', { image: 'a' }),
    { Open: { input: { required: { image: [[], { image_upload: true }] } } } },
    'image',
  ],
])('%s is an input file', async ([, first, classes, kind]) => {
  expect(await taken(first, classes)).toEqual({ files: [kind], notes: '' });
});

test('what looks like a list of an unknown class is an input file, which a note calls a guess', async () => {
  const { files, notes } = await taken(node('VHS_LoadVideo', { video: 'sub/clip.mp4' }));
  expect(files).toEqual(['video']);
  expect(notes).toContain('maybe a path and no input file: video');
});
