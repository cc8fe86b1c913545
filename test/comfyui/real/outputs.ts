import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import type { Graph } from '../../../src/core/graph.ts';
import { testPicture } from '../../support/pictures.ts';
import { recordedGraph } from './graphs.ts';
import type { Product, ShownJob } from './product.ts';
import { deliversWhatComfyWrote, download, runJob, secondsOf } from './run.ts';
import type { Scenario } from './scenario.ts';
import {
  animations,
  deepPictures,
  films,
  heardSound,
  loadedFilm,
  loadedMask,
  loadedSound,
  sound,
} from './stock-graphs.ts';

interface Delivery {
  /** Default: the recorded graph of that name. */
  graph?: Graph;
  /** Node, type, size and length of each, in order. */
  artifacts: string[];
  texts?: string[];
  /** Nodes whose temporary files are wanted; no others are then. */
  outputs?: string[];
  /** An input file: where it goes, and what it is. */
  sends?: { node: string; input: string; kind: string; contentType: string; file: () => Promise<Buffer> };
  /** What each picture must be like, where that is known beforehand. */
  pixels?: () => Promise<Buffer>;
}

const sent = () => testPicture(64, 48).png().toBuffer();
const media = (name: string) => () => readFile(new URL(`../../unit/files/media/${name}`, import.meta.url));
const rgbOf = (picture: Buffer) => sharp(picture).removeAlpha().raw().toBuffer();
const loadsPicture = { node: '1', input: 'image', kind: 'IMAGE', contentType: 'image/png', file: sent };

const DELIVERIES: { [name: string]: Delivery } = {
  '03_image_list': { artifacts: Array(6).fill('3 Image 96x64') },
  '04_multi_output': {
    artifacts: ['4 Image 80x80', '5 Image 80x80', '5 Image 80x80', '8 Text'],
    texts: ['caption of the run'],
  },
  '06_video_mp4': { artifacts: ['4 Video 128x96 1.0 s'] },
  '07_video_webm': { artifacts: ['2 Video 128x96 1.0 s'] },
  '09_text': { artifacts: ['3 Text', '5 Text'], texts: ['alpha / beta – ünïcode ✓', '42'] },
  '10_save_text_file': { artifacts: ['2 Text'], texts: ['{\n  "a": 1\n}'] },
  '11_mask': { artifacts: ['4 Image 64x64'] },
  '12_upload_load_image': { artifacts: ['3 Image 128x96'], sends: loadsPicture },
  '13_upload_subfolder': {
    artifacts: ['2 Image 64x48'],
    sends: loadsPicture,
    pixels: async () => rgbOf(await sent()),
  },
  '14_latent_file': { artifacts: ['2 File'] },
  '15_image_compare': { artifacts: ['3 Image 64x64', '3 Image 64x64'], outputs: ['3'] },
  '16_preview_only': { artifacts: ['2 Image 64x64', '2 Image 64x64'], outputs: ['2'] },
  '17_ws_binary_images': {
    artifacts: Array(5).fill('2 Image 64x64'),
    pixels: async () => Buffer.from('abcdef'.repeat(64 * 64), 'hex'),
  },
  '21_slow_with_progress': { artifacts: ['6 Image 512x512'] },
  '22_slow_one_node_uninterruptible': { artifacts: ['4 Image 512x512'] },
  sound: { graph: sound, artifacts: ['2 Audio 1.5 s', '3 Audio 1.5 s', '4 Audio 1.5 s', '5 Audio 1.5 s'] },
  'sound that is only heard': { graph: heardSound, artifacts: ['2 Audio 1.5 s'], outputs: ['2'] },
  animations: { graph: animations, artifacts: ['2 Image 64x48', '3 Image 64x48', '4 Image 64x48'] },
  'deep pictures': { graph: deepPictures, artifacts: ['2 Image 64x48', '3 File'] },
  films: { graph: films, artifacts: ['4 Video 64x48 1.0 s', '6 Video 64x48 1.0 s'] },
  'a mask that is sent': {
    graph: loadedMask,
    artifacts: ['3 Image 64x48'],
    sends: { ...loadsPicture, kind: 'MASK' },
  },
  'sound that is sent': {
    graph: loadedSound,
    artifacts: ['2 Audio 0.6 s'],
    sends: { node: '1', input: 'audio', kind: 'AUDIO', contentType: 'audio/mpeg', file: media('tone.mp3') },
  },
  'a film that is sent': {
    graph: loadedFilm,
    artifacts: ['3 Video 96x64 0.6 s', '5 Image 96x64', '6 Audio 0.6 s'],
    sends: { node: '1', input: 'file', kind: 'VIDEO', contentType: 'video/mp4', file: media('h264-aac.mp4') },
  },
};

/** What every kind of node that saves, shows, sends or loads something delivers. */
export const outputScenarios: Scenario[] = Object.entries(DELIVERIES).map(([name, delivery]) => ({
  name: `${name}: delivered as ComfyUI serves it, and again with the text of PNG files`,
  skip: async ({ server }) => server.lacks(delivery.graph ?? (await recordedGraph(name))),
  async play({ product, server }) {
    const { artifacts, texts = [], outputs, sends, pixels } = delivery;
    const graph = delivery.graph ?? (await recordedGraph(name));
    const files = sends && [await sendFile(product, sends)];
    const seen: string[] = [];
    for (const keepMetadata of [false, true]) {
      const custom = { graph, keepMetadata, ...(outputs && { outputs }), ...(files && { files }) };
      const run = await runJob(product, { custom });
      const job = await deliversWhatComfyWrote(run, server, { temp: outputs !== undefined, keepMetadata });
      assert.deepEqual(job.artifacts.map(described), artifacts);
      assert.deepEqual(
        job.artifacts.flatMap(({ text }) => text ?? []),
        texts,
      );
      if (pixels) {
        const expected = await pixels();
        for (const artifact of job.artifacts)
          assert((await rgbOf(await download(artifact))).equals(expected), 'pixels');
      }
      // What SaveImageWebsocket sends is a result, not a look at one that is being made.
      assert(!run.events.some(({ preview }) => preview), 'no previews');
      assert.equal(job.attempts, 1);
      seen.push(`${secondsOf(job).toFixed(2)} s`);
    }
    return `${seen.join(', then ')}, ${artifacts.length} results`;
  },
}));

async function sendFile(product: Product, { node, input, kind, contentType, file }: NonNullable<Delivery['sends']>) {
  return { node, input, kind, file: { upload: await product.send(await file(), contentType) } };
}

function described({ node, __typename, width, height, durationSeconds }: ShownJob['artifacts'][number]): string {
  const size = width === undefined ? [] : [`${width}x${height}`];
  const length = durationSeconds === undefined ? [] : [`${durationSeconds.toFixed(1)} s`];
  return [node, __typename.replace('Artifact', ''), ...size, ...length].join(' ');
}
