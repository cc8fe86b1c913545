import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type Graph, graphSchema } from '../../../src/core/graph.ts';
import type { SpooledFile } from '../../../src/files/spool.ts';
import { historyEntrySchema } from '../../../worker/comfyui/history.ts';
import { collectOutputs, imagesAnnounced, type PromptOutput, staleNodes } from '../../../worker/comfyui/outputs.ts';

const graph: Graph = {
  '2': { class_type: 'SaveImage', inputs: { images: ['10', 0], filename_prefix: 'mine' } },
  '10': { class_type: 'EmptyImage', inputs: { width: 8 } },
  b: { class_type: 'SaveText', inputs: { filename_prefix: ['10', 0] } },
};

const entryOf = (entry: object) => historyEntrySchema.parse(entry);
const file = (filename: string, type = 'output') => ({ filename, subfolder: 'sub', type });
const spooled = (path: string): SpooledFile => ({ path, sizeBytes: 1, sha256: '', dispose: async () => undefined });
const names = (nodes: string[]) => new Map(nodes.map((node) => [node, null]));

/** `4 a_00002_.png`, `8 "text"`: node and result. */
const shown = (output: PromptOutput) =>
  `${output.node} ` +
  `${'file' in output ? output.file.filename : 'text' in output ? JSON.stringify(output.text) : output.image.path}`;
const outputsOf = (...given: Parameters<typeof collectOutputs>) => collectOutputs(...given).outputs.map(shown);
const nodeOf = (outputs: object) => collectOutputs(entryOf({ outputs: { '2': outputs } }), graph).outputs;

const traceSchema = z.object({ runs: z.array(z.object({ history_entry: historyEntrySchema })) });

describe('outputs of recorded prompts', () => {
  const read = async (path: string): Promise<unknown> =>
    JSON.parse(await readFile(new URL(`../../comfyui/recorded/${path}.json`, import.meta.url), 'utf8'));
  async function recorded(name: string) {
    const [run] = traceSchema.parse(await read(`traces/${name}`)).runs;
    if (!run) throw new Error('nothing recorded');
    return { entry: run.history_entry, graph: graphSchema.parse(await read(`workflows/${name}`)) };
  }

  test.each<[string, string[], string[]?]>([
    ['01_single_image', ['3 single_00002_.png']],
    ['02_image_batch', [1, 2, 3, 4].map((n) => `2 batch_96x64_b${n - 1}_0000${n}_.png`)],
    ['03_image_list', ['07', '08', '09', '10', '11', '12'].map((n) => `3 list_000${n}_.png`)],
    ['04_multi_output', ['4 a_00002_.png', '5 b_00003_.png', '5 b_00004_.png', '8 "caption of the run"'], ['6']],
    ['06_video_mp4', ['4 clip_00004_.mp4']],
    ['07_video_webm', ['2 vp9_00002_.webm']],
    ['09_text', ['3 "alpha / beta – ünïcode ✓"', '5 "42"']],
    ['10_save_text_file', ['2 doc_00002.json']],
    ['11_mask', ['4 mask_00002_.png'], ['5']],
    ['12_upload_load_image', ['3 loaded_00002_.png'], ['5']],
    ['13_upload_subfolder', ['2 loaded_sub_00002_.png']],
    ['14_latent_file', ['2 z_00002_.latent']],
    ['15_image_compare', [], ['3']],
    ['16_preview_only', [], ['2']],
    ['17_ws_binary_images', []],
    ['30_text_to_image', ['9 text_to_image_00001_.png']],
    ['31_text_to_image_batch', [1, 2, 3].map((n) => `9 text_to_image_batch_0000${n}_.png`)],
  ])('%s', async (name, outputs, temporary = []) => {
    const { entry, graph: prompt } = await recorded(name);
    const collected = collectOutputs(entry, prompt);
    expect(collected.outputs.map(shown)).toEqual(outputs);
    expect(collected.temporary).toEqual(temporary);
  });

  test('a node that is named gives its temporary files, and those that are not named give nothing', async () => {
    const preview = await recorded('16_preview_only');
    expect(outputsOf(preview.entry, preview.graph, names(['2']))).toEqual([
      '2 ComfyUI_temp_xiptq_00001_.png',
      '2 ComfyUI_temp_xiptq_00002_.png',
    ]);
    const compare = await recorded('15_image_compare');
    expect(outputsOf(compare.entry, compare.graph, names(['3']))).toHaveLength(2);
    const multi = await recorded('04_multi_output');
    expect(outputsOf(multi.entry, multi.graph, names(['6', '4']))).toEqual([
      '4 a_00002_.png',
      '6 ComfyUI_temp_vxpdc_00001_.png',
    ]);
    expect(outputsOf(multi.entry, multi.graph, names(['7']))).toEqual([]);
  });
});

describe('texts of a node', () => {
  const textsOf = (ui: object, class_type = 'Any') =>
    collectOutputs(entryOf({ outputs: { n: ui } }), { n: { class_type, inputs: {} } }).outputs.flatMap((output) =>
      'text' in output ? [output.text] : [],
    );

  test.each<[string, object, string[]]>([
    ['tags', { tags: ['1girl, solo'] }, ['1girl, solo']],
    ['a number', { value: [42] }, ['42']],
    ['a number under text', { text: [42] }, ['42']],
    ['a fraction', { value: [0.25] }, ['0.25']],
    ['an empty text', { string: [''] }, ['']],
    ['two keys', { positive: ['a cat'], negative: ['blurry'] }, ['a cat', 'blurry']],
    ['one for each item', { text: ['7', '8', '9'] }, ['7', '8', '9']],
    ['numbers of several calls', { value: [7, 8, 9] }, ['7', '8', '9']],
    ['what is shown, of whatever kind', { text: [true, [1, 512, 3], { a: 1 }] }, ['true', '[1,512,3]', '{"a":1}']],
    ['no list', { tags: 'a cat' }, ['a cat']],
    ['flags', { animated: [true], unfinished_batch: [false], fast_preview: [true] }, []],
    ['data of an editor', { histogram: Array(256).fill(3), bboxes: [{ x: 1 }], points: [[1, 2]] }, []],
    ['a picture of an editor', { bg_image: ['/9j/4AAQSkZJRgABAQ'], mask: ['data:image/png;base64,iVBOR'] }, []],
    ['paths of a viewer', { result: ['temp/bg.png', { x: 1 }, null] }, []],
  ])('%s', (_name, ui, texts) => {
    expect(textsOf(ui)).toEqual(texts);
  });

  test('what a file says of itself, its path, and numbers beside it are none; what is said of it is one', () => {
    const gif = {
      ...file('v.mp4'),
      format: 'video/h264-mp4',
      frame_rate: 24,
      workflow: 'v.png',
      fullpath: '/srv/v.mp4',
    };
    expect(textsOf({ gifs: [gif], frames: [24], files: ['/srv/output/sub/v.mp4'] })).toEqual([]);
    expect(textsOf({ images: [file('p.png', 'temp')], text: ['5x64x48'], tags: ['cat'] })).toEqual(['5x64x48', 'cat']);
  });

  test.each<[string, string, boolean, string?]>([
    ['white space', 'a b', true],
    ['marks beside letters', 'a,b', true],
    ['marks beside digits', '3.5', true],
    ['small letters out of order', 'True', true],
    ['more than anybody lists', '1'.repeat(27), true],
    ['characters beyond 16 bits', 'so 😀', true],
    ['a script without small letters', '東京は', true],
    ['digits', '798', false],
    ['letters of the alphabet', 'abc', false],
    ['capitals', 'SML', false],
    ['marks', '+-', false],
    ['a class that answers bare texts', '512', true, 'DisplayAny'],
    ['a class that answers lists', 'a b', false, 'PreviewAny'],
  ])('a text that ComfyUI took apart is put together where that is certain: %s', (_name, text, isOne, classType) => {
    expect(textsOf({ text: [...text] }, classType)).toEqual(isOne ? [text] : [...text]);
  });
});

describe('results from the cache', () => {
  const cachedGraph: Graph = {
    '1': { class_type: 'LoadImage', inputs: { image: 'x.png' } },
    '2': { class_type: 'easy kSampler', inputs: { image: ['1', 0] } },
    '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'x' } },
    '4': { class_type: 'PreviewAny', inputs: { source: ['2', 0] } },
    '5': { class_type: 'PreviewImage', inputs: { images: ['2', 0] } },
  };
  const stale = (cached: (string | number)[], outputs: object, wanted: string[] | null = null, gone: string[] = []) =>
    staleNodes(
      entryOf({
        outputs,
        status: {
          status_str: 'success',
          messages: [
            ['execution_start', {}],
            ['execution_cached', { nodes: cached }],
          ],
        },
      }),
      cachedGraph,
      wanted && names(wanted),
      async ({ filename }) => !gone.includes(filename),
    );

  test('are of an earlier prompt where a node has files that are wanted', async () => {
    const two = { '2': { images: [file('a.png')] } };
    expect(await stale(['1', '2'], two)).toEqual(['2']);
    expect(await stale([1, 2], two)).toEqual(['2']);
    expect(await stale(['1'], two)).toEqual([]);
    expect(await stale(['2'], two, ['3'])).toEqual([]);
    expect(await stale(['4'], { '4': { text: ['said'] } })).toEqual([]);
    expect(await stale(['2', '5'], { ...two, '5': { images: [file('t.png', 'temp')] } })).toEqual(['2']);
    expect(await stale(['2', '5'], { ...two, '5': { images: [file('t.png', 'temp')] } }, ['2', '5'])).toEqual([
      '2',
      '5',
    ]);
  });

  test('are not where their names say what they are made of, as long as they are there', async () => {
    const named = 'comfygate-0197c5a4-7e3f-5c10-9d3b-0f8a5d1c2b3e-3_00001_.png';
    expect(await stale(['3'], { '3': { images: [file(named)] } })).toEqual([]);
    expect(await stale(['3'], { '3': { images: [file(named)] } }, null, [named])).toEqual(['3']);
    expect(await stale(['3'], { '3': { images: [file(named), file('a.png')] } })).toEqual(['3']);
  });

  test('of a node that made others at run time count to it; one that is named must give something', async () => {
    expect(await stale(['2'], { '2.0.0.1': { images: [file('a.png')] } })).toEqual(['2']);
    expect(await stale(['2'], {}, ['2'])).toEqual(['2']);
    expect(await stale(['2'], {})).toEqual([]);
    expect(await stale(['2'], { '2': { text: ['said'] } }, ['2'])).toEqual([]);
  });
});

test('pictures that a node says it sent over the socket are counted', () => {
  const sent = { source: 'websocket', 'content-type': 'image/png', type: 'output' };
  const entry = entryOf({ outputs: { '2': { images: [sent, sent] }, b: { images: [file('a.png')] } } });
  expect(imagesAnnounced(entry, graph)).toEqual(new Map([['2', 2]]));
  expect(outputsOf(entry, graph)).toEqual(['b a.png']);
});

describe('outputs', () => {
  test('final files under any key, in the order of the graph, then by place; previews and inputs left out', () => {
    const entry = entryOf({
      outputs: {
        b: { gifs: [{ ...file('v.mp4'), fullpath: '/x' }], number: [3], deep: { list: [[file('deep.png')]] } },
        '2': { images: [file('two_1.png'), file('two_2.png'), file('p.png', 'temp'), file('i.png', 'input')] },
      },
    });
    expect(collectOutputs(entry, graph)).toEqual({
      outputs: [
        { node: '2', file: file('two_1.png') },
        { node: '2', file: file('two_2.png') },
        { node: 'b', file: file('v.mp4') },
        { node: 'b', file: file('deep.png') },
      ],
      temporary: ['2'],
    });
    expect(outputsOf(entry, graph, names(['2']))).toEqual(['2 two_1.png', '2 two_2.png', '2 p.png']);
  });

  test('pictures that came over the socket stand where their node does', () => {
    const entry = entryOf({ outputs: { '2': { images: [file('a.png')] }, b: { images: [file('b.png')] } } });
    const images = [1, 2].map((n) => ({ node: '10', file: spooled(`frame ${n}`), extension: 'png' }));
    expect(outputsOf(entry, graph, null, images)).toEqual(['2 a.png', '10 frame 1', '10 frame 2', 'b b.png']);
    expect(outputsOf(entry, graph, names(['b']), images)).toEqual(['b b.png']);
  });

  test('a file that two nodes name is one result; a temporary one of its name is another', () => {
    const entry = entryOf({
      outputs: { '2': { images: [file('a.png')] }, b: { files: [file('a.png'), file('a.png', 'temp')] } },
    });
    expect(collectOutputs(entry, graph).outputs).toEqual([{ node: '2', file: file('a.png') }]);
    expect(outputsOf(entry, graph, names(['b']))).toEqual(['b a.png', 'b a.png']);
  });

  test('texts are results beside other files, but not beside the text file that holds them', () => {
    const entry = entryOf({
      outputs: {
        '2': { text: ['one', '', 'two'], images: [file('a.png'), file('t.txt', 'temp')] },
        '10': { text: ['o', 'd', 'd'] },
        b: { text: ['x'], files: [file('x.json')] },
      },
    });
    expect(outputsOf(entry, graph)).toEqual(['2 a.png', 'b x.json', '2 "one"', '2 ""', '2 "two"', '10 "odd"']);
  });

  test('a bare path of a 3D file is a result of the viewer that says it', () => {
    expect(nodeOf({ result: ['3d/x.glb', { position: { x: 1 } }, null] })).toEqual([
      { node: '2', file: { filename: 'x.glb', subfolder: '3d', type: 'output' } },
    ]);
    expect(nodeOf({ result: ['x.OBJ'] })).toEqual([
      { node: '2', file: { filename: 'x.OBJ', subfolder: '', type: 'output' } },
    ]);
    const viewed = `preview3d_advanced_${'0a'.repeat(16)}.glb`;
    expect(nodeOf({ result: [viewed] })).toEqual([]);
    const entry = entryOf({ outputs: { '2': { result: [viewed] } } });
    expect(outputsOf(entry, graph, names(['2']))).toEqual([`2 ${viewed}`]);
  });

  test.each([
    '../x.glb',
    '3d/../../x.glb',
    '3d/./x.glb',
    '/srv/x.glb',
    'C:x.glb',
    '3d\\x.glb',
    'x.glb\n',
    'temp/bg.png',
    'see x.glb!',
    '.glb',
    '',
    `${'3d/'.repeat(2_000)}x.glb`,
  ])('no other text is taken for a file: %j', (path) => {
    expect(nodeOf({ result: [path] })).toEqual([]);
    expect(nodeOf({ other: [{ path: '3d/x.glb' }], result: { path: '3d/x.glb' } })).toEqual([]);
  });

  test('a file without a type is one of the output folder, where it surely is a file that was made', () => {
    const untyped = (filename: string, more: object = {}) =>
      outputsOf(
        entryOf({
          outputs: { '2': { models: [{ filename, ...more }] } },
        }),
        graph,
      );
    expect(nodeOf({ images: [{ filename: 'a.png' }, { filename: 'b.mp4', subfolder: 's', type: null }] })).toEqual([
      { node: '2', file: { filename: 'a.png', subfolder: '', type: 'output' } },
      { node: '2', file: { filename: 'b.mp4', subfolder: 's', type: 'output' } },
    ]);
    expect(untyped('no ending')).toEqual([]);
    expect(untyped('model v1.5')).toEqual([]);
    expect(untyped('dreamshaper.safetensors')).toEqual([]);
    expect(untyped('/srv/a.png')).toEqual([]);
    expect(untyped('https://there/a.png')).toEqual([]);
    expect(nodeOf({ state: [{ loaded: { filename: 'a.png' } }] })).toEqual([]);
  });

  test('a node made at run time stands for the one in the graph', () => {
    const outputs = { '2.0.1': { images: [file('a.png')] }, x: { images: [file('b.png')] } };
    const entry = entryOf({ outputs, meta: { x: { real_node_id: 'b' } } });
    expect(outputsOf(entry, graph)).toEqual(['2 a.png', 'b b.png']);
    expect(outputsOf(entry, graph, names(['2']))).toEqual(['2 a.png']);
  });

  test('an entry with nothing in it, or with null, has none', () => {
    expect(outputsOf(entryOf({ outputs: { '2': null, b: { images: null, text: [null] } } }), graph)).toEqual([]);
    expect(outputsOf(entryOf({ outputs: null }), graph)).toEqual([]);
    expect(outputsOf(entryOf({}), graph)).toEqual([]);
  });
});
