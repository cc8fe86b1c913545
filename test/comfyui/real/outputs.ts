import assert from 'node:assert/strict';
import type { Graph } from '../../../src/core/graph.ts';
import { recordedGraph } from './graphs.ts';
import type { ShownJob } from './product.ts';
import { deliversWhatComfyWrote, runJob, secondsOf } from './run.ts';
import type { Scenario } from './scenario.ts';

const sound: Graph = {
  '1': { class_type: 'EmptyAudio', inputs: { duration: 1.5, sample_rate: 44100, channels: 2 } },
  '2': { class_type: 'SaveAudio', inputs: { audio: ['1', 0], filename_prefix: 'x' } },
  '3': { class_type: 'SaveAudioMP3', inputs: { audio: ['1', 0], filename_prefix: 'x', quality: '128k' } },
  '4': { class_type: 'SaveAudioOpus', inputs: { audio: ['1', 0], filename_prefix: 'x', quality: '128k' } },
};

const animations: Graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 48, batch_size: 3, color: 255 } },
  '2': { class_type: 'SaveAnimatedPNG', inputs: { images: ['1', 0], filename_prefix: 'x', fps: 6, compress_level: 4 } },
  '3': {
    class_type: 'SaveAnimatedWEBP',
    inputs: { images: ['1', 0], filename_prefix: 'x', fps: 6, lossless: true, quality: 80, method: 'default' },
  },
};

/** What every kind of node that saves, shows or sends something delivers. */
export const outputScenarios: Scenario[] = [
  delivers('04_multi_output', ['4 Image 80x80', '5 Image 80x80', '5 Image 80x80', '8 Text']),
  delivers('06_video_mp4', ['4 Video 128x96 1.0 s']),
  delivers('07_video_webm', ['2 Video 128x96 1.0 s']),
  delivers('09_text', ['3 Text', '5 Text']),
  delivers('10_save_text_file', ['2 Text']),
  delivers('11_mask', ['4 Image 64x64']),
  delivers('14_latent_file', ['2 File']),
  delivers('15_image_compare', ['3 Image 64x64', '3 Image 64x64'], { outputs: ['3'] }),
  delivers('16_preview_only', ['2 Image 64x64', '2 Image 64x64'], { outputs: ['2'] }),
  delivers('17_ws_binary_images', Array(5).fill('2 Image 64x64')),
  delivers('sound: FLAC, MP3, Opus', ['2 Audio 1.5 s', '3 Audio 1.5 s', '4 Audio 1.5 s'], {}, sound),
  delivers('animations: PNG and WebP', ['2 Image 64x48', '3 Image 64x48'], {}, animations),
];

/** `choice`: of temporary files, which lie in another folder. */
function delivers(name: string, expected: string[], choice: { outputs?: string[] } = {}, graph?: Graph): Scenario {
  return {
    name: `${name}: delivered as ComfyUI wrote it`,
    async play({ product, server }) {
      const custom = { graph: graph ?? (await recordedGraph(name)), ...choice };
      const run = await runJob(product, { custom });
      const job = await (choice.outputs ? run.ended() : deliversWhatComfyWrote(run, server));
      assert.equal(job.status, 'SUCCEEDED', JSON.stringify(job.error));
      assert.deepEqual(job.artifacts.map(described), expected);
      assert.equal(job.attempts, 1);
      return `${secondsOf(job).toFixed(2)} s, ${job.artifacts.length} results`;
    },
  };
}

function described({ node, __typename, durationSeconds, ...shown }: ShownJob['artifacts'][number]): string {
  const { width = shown.videoWidth, height = shown.videoHeight } = shown;
  const size = width === undefined ? [] : [`${width}x${height}`];
  const length = durationSeconds === undefined ? [] : [`${durationSeconds.toFixed(1)} s`];
  return [node, __typename.replace('Artifact', ''), ...size, ...length].join(' ');
}
