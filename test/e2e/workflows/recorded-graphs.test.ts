import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { REFUSALS } from '../../comfyui/refusals.ts';
import { disposals } from '../../support/disposals.ts';
import { testPicture } from '../../support/pictures.ts';
import { pixelsOf, pngChunks } from '../../support/png.ts';
import { onlySimulator } from '../../support/product.ts';
import { nameAtComfyui } from '../../support/result-name.ts';
import { readAny, readGraph, readReported } from './recorded.ts';
import { described, openStage, type ShownJob, type Stage } from './stage.ts';

const SPEED = 50;
const TEXT_CHUNKS = ['tEXt', 'iTXt', 'zTXt'];

interface Delivery {
  /** Node, type, content type, size and length of each artifact, in order. */
  artifacts: string[];
  /** Temporary files are asked for by the ids of their nodes. */
  outputs?: string[];
  /** The LoadImage that gets a picture that was uploaded. */
  loads?: string;
}

const DELIVERIES: { [graph: string]: Delivery } = {
  '01_single_image': { artifacts: ['3 ImageArtifact image/png 256x192'] },
  '02_image_batch': { artifacts: Array(4).fill('2 ImageArtifact image/png 96x64') },
  '03_image_list': { artifacts: Array(6).fill('3 ImageArtifact image/png 96x64') },
  '04_multi_output': {
    artifacts: [
      '4 ImageArtifact image/png 80x80',
      '5 ImageArtifact image/png 80x80',
      '5 ImageArtifact image/png 80x80',
      '8 TextArtifact text/plain',
    ],
  },
  '06_video_mp4': { artifacts: ['4 VideoArtifact video/mp4 128x96 1.0 s'] },
  '07_video_webm': { artifacts: ['2 VideoArtifact video/webm 128x96 1.0 s'] },
  '09_text': { artifacts: ['3 TextArtifact text/plain', '5 TextArtifact text/plain'] },
  '10_save_text_file': { artifacts: ['2 TextArtifact application/json'] },
  '11_mask': { artifacts: ['4 ImageArtifact image/png 64x64'] },
  '12_upload_load_image': { artifacts: ['3 ImageArtifact image/png 128x96'], loads: '1' },
  '13_upload_subfolder': { artifacts: ['2 ImageArtifact image/png 64x48'], loads: '1' },
  '14_latent_file': { artifacts: ['2 FileArtifact application/octet-stream'] },
  '15_image_compare': { artifacts: Array(2).fill('3 ImageArtifact image/png 64x64'), outputs: ['3'] },
  '16_preview_only': { artifacts: Array(2).fill('2 ImageArtifact image/png 64x64'), outputs: ['2'] },
  '17_ws_binary_images': { artifacts: Array(5).fill('2 ImageArtifact image/png 64x64') },
  '20_slow_chain': { artifacts: ['20 ImageArtifact image/png 1024x1024'] },
  '21_slow_with_progress': { artifacts: ['6 ImageArtifact image/png 512x512'] },
  '22_slow_one_node_uninterruptible': { artifacts: ['4 ImageArtifact image/png 512x512'] },
  '30_text_to_image': { artifacts: ['9 ImageArtifact image/png 512x512'] },
  '31_text_to_image_batch': { artifacts: Array(3).fill('9 ImageArtifact image/png 512x512') },
  // It raises in ComfyUI for a prefix that leads out of its folder; the product gives each job a prefix of its own.
  x01_exec_error: { artifacts: ['2 ImageArtifact image/png 32x32', '3 ImageArtifact image/png 32x32'] },
};

interface Failure {
  error: Partial<ShownJob['error']>;
  /** That ComfyUI has taken. */
  prompts: number;
  outputs?: string[];
}

/** What only ComfyUI knows, or what breaks while it runs. */
const FAILURES: { [graph: string]: Failure } = {
  e09_bad_linked_input: rejected('2', 'SaveImage'),
  e11_link_to_bad_slot: rejected('2', 'SaveImage'),
  e13_dependency_cycle: rejected('1', 'ImageInvert'),
  e14_custom_validation_failed: rejected('1', 'LoadImage'),
  x02_exec_type_error: { error: { code: 'EXECUTION_FAILED', nodeId: '1', classType: 'SaveImage' }, prompts: 1 },
  // Once more with memory freed.
  x03_out_of_memory: { error: { code: 'OUT_OF_MEMORY', nodeId: '1', classType: 'EmptyImage' }, prompts: 2 },
  '15_image_compare': nothing(
    'The workflow left only temporary files: name their nodes as its outputs to have them (ImageCompare 3)',
  ),
  '16_preview_only': nothing(
    'The workflow left only temporary files: name their nodes as its outputs to have them (PreviewImage 2)',
  ),
};

function rejected(nodeId: string, classType: string): Failure {
  return { error: { code: 'WORKFLOW_REJECTED', nodeId, classType }, prompts: 0 };
}

function nothing(message: string): Failure {
  return { error: { code: 'NO_OUTPUT', message, nodeId: null, classType: null }, prompts: 1 };
}

describe('graphs that were recorded on a real ComfyUI, through the whole product', { timeout: 60_000 }, () => {
  let stage: Stage;
  const suite = disposals();
  beforeAll(async () => {
    stage = await openStage(suite, SPEED);
  }, 240_000);

  it.each(Object.entries(DELIVERIES))('%s: what ComfyUI reports and serves is delivered', async (name, delivery) => {
    const { artifacts, outputs = null, loads } = delivery;
    const graph = await readGraph(name);
    const picture = await testPicture(64, 48).png().toBuffer();
    const files = loads && [
      { node: loads, input: 'image', kind: 'IMAGE', file: { upload: await stage.send(picture, 'image/png') } },
    ];
    const custom = { graph, outputs, ...(files && { files }) };
    const job = await stage.run({ custom });
    expect(job).toMatchObject({ status: 'SUCCEEDED', backend: 'comfy1', attempts: 1, error: null });
    expect(job.artifacts.map(described)).toEqual(artifacts);
    const nodes = Object.keys(graph).sort();
    expect(job.progress).toEqual({ fraction: 1, nodesDone: nodes.length, nodesTotal: nodes.length });
    expect(job.timings.map(({ nodeId }) => nodeId).sort()).toEqual(nodes);
    for (const { nodeId, classType, ms } of job.timings) {
      expect(classType).toBe(graph[nodeId]?.class_type);
      expect(ms).toBeGreaterThanOrEqual(0);
    }

    if (!name.startsWith('x')) {
      const reported = await readReported(name, graph, outputs);
      expect(job.artifacts.map(({ node, filename }) => `${node} ${extname(filename)}`)).toEqual(reported.results);
      const texts = job.artifacts.flatMap(({ text }) => text ?? []);
      // SaveText writes JSON in lines.
      if (name === '10_save_text_file') expect(texts).toEqual(['{\n  "a": 1\n}']);
      else expect(texts).toEqual(reported.texts);
    }
    await expectAsServed(job, outputs ? 'temp' : 'output');
    if (name === '13_upload_subfolder') {
      const [loaded] = job.artifacts;
      if (!loaded) throw new Error('nothing was delivered');
      expect(await pixelsOf(await stage.delivered(loaded))).toEqual(await pixelsOf(picture));
    }

    // The same once more, all but what saves being cached: files of its own, now as ComfyUI wrote them.
    const again = await stage.run({ custom: { ...custom, keepMetadata: true } });
    expect(again.artifacts.map(described)).toEqual(artifacts);
    const makers = new Set(job.artifacts.map(({ node }) => node));
    const cached = new Map(again.timings.map((timing) => [timing.nodeId, timing.cached]));
    for (const node of makers) expect(cached.get(node), `${node} is cached`).toBe(false);
    await expectAsServed(again, outputs ? 'temp' : 'output', true);
  });

  /** Byte for byte; of a PNG that was not to keep its text, every pixel and all but the text. */
  async function expectAsServed(job: ShownJob, type: 'output' | 'temp', keepMetadata = false) {
    for (const artifact of job.artifacts) {
      const bytes = await stage.delivered(artifact);
      expect(bytes.length).toBe(artifact.size);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(artifact.sha256);
      if (/_text_\d+\.txt$/.test(artifact.filename)) {
        expect(bytes.toString()).toBe(artifact.text);
        continue;
      }
      // Pictures that ComfyUI only sends: all of one colour.
      if (/^2_\d\.png$/.test(nameAtComfyui(artifact.filename))) {
        const { data } = await pixelsOf(bytes);
        expect(data.equals(Buffer.from('abcdef'.repeat(64 * 64), 'hex'))).toBe(true);
        continue;
      }
      const served = await stage.served(job, artifact, type);
      if (artifact.contentType !== 'image/png' || keepMetadata) {
        expect(bytes.equals(served), `${artifact.filename} is as ComfyUI serves it`).toBe(true);
        if (artifact.contentType === 'image/png') expect(pngChunks(bytes)).toContain('tEXt');
      } else {
        const chunks = pngChunks(served);
        expect(chunks).toContain('tEXt');
        expect(pngChunks(bytes)).toEqual(chunks.filter((chunk) => !TEXT_CHUNKS.includes(chunk)));
        expect(await pixelsOf(bytes)).toEqual(await pixelsOf(served));
      }
    }
  }

  it.each(Object.entries(REFUSALS))('%s: refused before it is queued', async (name, issues) => {
    const before = onlySimulator(stage.product).posts;
    const told = await stage.refusal({ custom: { graph: await readAny(name) } });
    const at = (issue: string) => `input.workflow.custom.graph${issue.includes(' ') ? '.' : ' '}${issue}`;
    expect(told.sort()).toEqual(issues.map(at).sort());
    expect(onlySimulator(stage.product).posts).toBe(before);
  });

  it.each(Object.entries(FAILURES))('%s: FAILED, and says where', async (name, { error, prompts }) => {
    const before = onlySimulator(stage.product).posts;
    const job = await stage.run({ custom: { graph: await readAny(name) } });
    expect(job).toMatchObject({ status: 'FAILED', artifacts: [], error });
    expect(job.error?.message).toMatch(/^[^\n]+$/);
    expect(onlySimulator(stage.product).posts - before).toBe(prompts);
  });
});
