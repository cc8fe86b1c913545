import { expect, test } from 'vitest';
import type { Json } from '../../../src/core/job.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { planOf } from '../../../src/core/plan.ts';
import { createRunnableCheck } from '../../../src/jobs/check-runnable.ts';
import { newJob } from '../../support/gateway-store.ts';
import { stockClasses } from '../../support/node-definitions.ts';

const count = { default: 0, min: 0, max: 9007199254740991, step: 1 };
const vhs = { output: ['IMAGE'], python_module: 'custom_nodes.ComfyUI-VideoHelperSuite' };

/** As a real ComfyUI described them; all check the file or folder by themselves, and some all of their inputs. */
const packs = {
  VHS_LoadVideo: {
    ...vhs,
    input: {
      required: { video: [['listed.mp4']], frame_load_cap: ['INT', count] },
      optional: { format: [['None', 'AnimateDiff', 'Wan'], { default: 'AnimateDiff' }] },
    },
  },
  VHS_LoadImages: {
    ...vhs,
    input: { required: { directory: [['3d', 'sub']] }, optional: { image_load_cap: ['INT', count] } },
  },
  VHS_LoadAudioUpload: { ...vhs, input: { required: { audio: [[]] }, optional: { start_time: ['FLOAT', count] } } },
  LoadAndResizeImage: {
    output: ['IMAGE'],
    python_module: 'custom_nodes.ComfyUI-KJNodes',
    input: { required: { image: [[], { image_upload: true }], width: ['INT', { min: 0, max: 16384 }] } },
  },
  LoadAnything: {
    output: ['IMAGE'],
    python_module: 'custom_nodes.of_mine',
    input: {
      required: {
        file: ['COMBO', { options: ['listed.png'] }],
        several: ['COMBO', { multiselect: true, options: [] }],
      },
    },
  },
};
const servers = [
  {
    name: 'a',
    status: 'UP' as const,
    configured: true,
    nodeDefinitions: objectInfoSchema.parse({ ...stockClasses().objectInfo, ...packs }),
  },
];
const isRunnable = createRunnableCheck({
  tryRead: async () => servers,
  lookAgain: async () => {
    throw new Error('nothing is to be looked at again');
  },
});

async function refused(class_type: string, inputs: { [name: string]: Json }) {
  const graph = {
    1: { class_type, inputs },
    2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
  };
  const issues = await isRunnable(newJob({ parameters: { graph } }), planOf(null, { graph }), []);
  return issues.map(({ path, code }) => `${path.at(-1)} ${code}`);
}

test.each<[string, string, { [name: string]: Json }]>([
  ['a film that was copied in a moment ago', 'VHS_LoadVideo', { video: 'fresh.mp4', frame_load_cap: 2 }],
  ['a film in a folder', 'VHS_LoadVideo', { video: 'sub/clip.mp4', frame_load_cap: 2, format: 'None' }],
  ['a folder in a folder', 'VHS_LoadImages', { directory: 'sub/frames' }],
  [
    'a number below its limit, where a class takes all by itself',
    'VHS_LoadImages',
    { directory: 'sub', image_load_cap: -1 },
  ],
  ['sound, where nothing is listed', 'VHS_LoadAudioUpload', { audio: 'voice.wav', start_time: 1.5 }],
  ['a picture of the output folder', 'LoadAndResizeImage', { image: 'x/y.png [output]', width: 20_000 }],
  ['several files of a list', 'LoadAnything', { file: 'new.png', several: { __value__: ['a.png', 'b.png'] } }],
])('%s is taken', async (_name, className, inputs) => {
  expect(await refused(className, inputs)).toEqual([]);
});

test.each<[string, string, { [name: string]: Json }, string[]]>([
  ['an input that is missing', 'VHS_LoadVideo', { frame_load_cap: 2 }, ['video required']],
  [
    'a number that is none',
    'VHS_LoadVideo',
    { video: 'fresh.mp4', frame_load_cap: 'two' },
    ['frame_load_cap invalid_type'],
  ],
  ['a class that there is not', 'VHS_LoadVideos', { video: 'fresh.mp4' }, ['class_type unknown_class']],
])('%s is refused', async (_name, className, inputs, issues) => {
  expect(await refused(className, inputs)).toEqual(issues);
});
