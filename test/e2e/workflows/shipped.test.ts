import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { addWorkflowCommands } from '../../../src/cli/workflow-command.ts';
import { workflowName } from '../../../src/workflows/add/names.ts';
import { disposals } from '../../support/disposals.ts';
import { testPicture } from '../../support/pictures.ts';
import { pixelsOf, pngChunks } from '../../support/png.ts';
import { type Gateway, onlySimulator } from '../../support/product.ts';
import { described, openStage, type ShownJob, type Stage } from './stage.ts';

/** Slow enough that steps are seen. */
const SPEED = 1;
const PROMPT = 'a lighthouse at dusk, long exposure';

interface Shipped {
  input: { [name: string]: unknown };
  artifacts: string[];
}

/** What callers would ask for; files are named by what is sent for them. */
const SHIPPED: { [workflow: string]: Shipped } = {
  textToImage: {
    input: {
      prompt: PROMPT,
      negativePrompt: 'blurry',
      width: 256,
      height: 192,
      steps: 24,
      cfgScale: 6.5,
      sampler: 'DPMPP_2M',
      scheduler: 'KARRAS',
      seed: 42,
      model: 'sd_xl_base_1.0.safetensors',
      batchSize: 2,
    },
    artifacts: Array(2).fill('9 ImageArtifact image/png 256x192'),
  },
  imageToImage: {
    input: { prompt: PROMPT, image: 'jpeg', negativePrompt: 'blurry', denoise: 0.6, steps: 24 },
    artifacts: ['9 ImageArtifact image/png 192x128'],
  },
  inpaint: {
    input: { prompt: PROMPT, image: 'photo', mask: 'mask', growMask: 0, steps: 24 },
    artifacts: ['9 ImageArtifact image/png 192x128'],
  },
  upscale: { input: { image: 'photo' }, artifacts: ['4 ImageArtifact image/png 768x512'] },
  textToVideo: {
    input: { prompt: PROMPT, width: 128, height: 96, length: 17, fps: 8, steps: 30 },
    artifacts: ['11 VideoArtifact video/mp4 128x96 2.1 s'],
  },
  textToAudio: {
    input: { prompt: PROMPT, lyrics: 'a song', seconds: 3, steps: 30 },
    artifacts: ['9 AudioArtifact audio/mpeg 3.0 s'],
  },
};

/** Of which `workflow add` makes workflows as well. */
const RECORDED = [
  '01_single_image',
  '02_image_batch',
  '03_image_list',
  '04_multi_output',
  '06_video_mp4',
  '07_video_webm',
  '09_text',
  '10_save_text_file',
  '11_mask',
  '12_upload_load_image',
  '13_upload_subfolder',
  '14_latent_file',
  '15_image_compare',
  '16_preview_only',
  '17_ws_binary_images',
  '30_text_to_image',
  '31_text_to_image_batch',
];
/** Where a workflow takes them. */
const CHEAP: { [parameter: string]: number } = { steps: 2, width: 64, height: 64, length: 5, seconds: 1 };

const SHIPPED_FOLDER = new URL('../../../workflows/', import.meta.url).pathname;
const RECORDED_FOLDER = new URL('../../comfyui/recorded/workflows/', import.meta.url).pathname;

const WIDTH = 192;
const HEIGHT = 128;

/** White where it is to be painted anew: the left half. */
function maskPicture(): Promise<Buffer> {
  const white = { create: { width: WIDTH / 2, height: HEIGHT, channels: 3, background: '#fff' } } as const;
  const black = { create: { width: WIDTH, height: HEIGHT, channels: 3, background: '#000' } } as const;
  return sharp(black)
    .composite([{ input: white, left: 0, top: 0 }])
    .png()
    .toBuffer();
}

const nodeSchema = z.record(z.string(), z.object({ class_type: z.string() }));
const listSchema = z.object({
  workflows: z.array(
    z.object({
      name: z.string(),
      parameters: z.array(z.object({ name: z.string(), type: z.string(), required: z.boolean() })),
    }),
  ),
});

describe('the shipped workflows', { timeout: 60_000 }, () => {
  let stage: Stage;
  let photo: Buffer;
  let files: { [name: string]: { upload: string } };
  const suite = disposals();

  beforeAll(async () => {
    stage = await openStage(suite, SPEED);
    photo = await testPicture(WIDTH, HEIGHT).png().toBuffer();
    const jpeg = await testPicture(WIDTH, HEIGHT).jpeg().toBuffer();
    files = {
      photo: { upload: await stage.send(photo, 'image/png') },
      jpeg: { upload: await stage.send(jpeg, 'image/jpeg') },
      mask: { upload: await stage.send(await maskPicture(), 'image/png') },
    };
  }, 240_000);

  const withFiles = (input: Shipped['input']) =>
    Object.fromEntries(Object.entries(input).map(([name, value]) => [name, files[String(value)] ?? value]));

  it.each(Object.entries(SHIPPED))('%s: typed input becomes typed results', async (name, { input, artifacts }) => {
    const graph = nodeSchema.parse(JSON.parse(await readFile(join(SHIPPED_FOLDER, name, 'graph.json'), 'utf8')));
    const classes = Object.entries(graph).map(([id, { class_type }]) => `${id} ${class_type}`);
    const sampler = classes.some((node) => node.endsWith(' KSampler')) ? 'KSampler' : undefined;
    const { job, events } = await stage.watch({ [name]: withFiles(input) }, sampler);
    expect(job).toMatchObject({ status: 'SUCCEEDED', error: null, backend: 'comfy1', attempts: 1 });
    expect(job.artifacts.map(described)).toEqual(artifacts);
    const lead = `${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}-${job.id.slice(-8)}-`;
    expect(job.artifacts.map(({ filename }) => filename.slice(0, lead.length))).toEqual(artifacts.map(() => lead));

    expect(job.timings.map(({ nodeId, classType }) => `${nodeId} ${classType}`).sort()).toEqual(classes.sort());
    expect(job.progress).toEqual({ fraction: 1, nodesDone: classes.length, nodesTotal: classes.length });

    const fractions = events.map((event) => event.job.progress.fraction);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.slice(0, -1).every((fraction) => fraction < 1)).toBe(true);
    if (sampler) {
      expect(new Set(fractions).size).toBeGreaterThan(2);
      expect(events.flatMap((event) => event.job.progress.node?.classType ?? [])).toContain('KSampler');
    }

    for (const artifact of job.artifacts) {
      const [bytes, served] = [await stage.delivered(artifact), await stage.served(job, artifact)];
      if (artifact.contentType !== 'image/png') expect(bytes.equals(served)).toBe(true);
      else {
        expect(await pixelsOf(bytes)).toEqual(await pixelsOf(served));
        expect(pngChunks(bytes)).not.toContain('tEXt');
      }
    }
    if (name === 'inpaint') await expectPaintedLeft(job);
  });

  /** What the mask does not cover is as it was. */
  async function expectPaintedLeft({ artifacts: [artifact] }: ShownJob) {
    if (!artifact) throw new Error('nothing was delivered');
    const painted = await stage.delivered(artifact);
    const half = (picture: Buffer, left: number) =>
      sharp(picture)
        .extract({ left, top: 0, width: WIDTH / 2, height: HEIGHT })
        .removeAlpha()
        .raw()
        .toBuffer();
    expect((await half(painted, WIDTH / 2)).equals(await half(photo, WIDTH / 2))).toBe(true);
    expect((await half(painted, 0)).equals(await half(photo, 0))).toBe(false);
  }

  describe('and recorded ones, made typed by `workflow add`', () => {
    let gateway: Gateway;
    let list: z.infer<typeof listSchema>['workflows'];

    beforeAll(async () => {
      const dir = await mkdtemp(join(tmpdir(), 'comfygate-workflows-'));
      suite.onTestFinished(() => rm(dir, { recursive: true, force: true }));
      const { url } = onlySimulator(stage.product);
      for (const name of Object.keys(SHIPPED)) {
        await add(join(SHIPPED_FOLDER, name, 'graph.json'), '--name', `${name}Again`, '--comfyui', url, '--dir', dir);
      }
      for (const file of RECORDED) await add(join(RECORDED_FOLDER, `${file}.json`), '--dir', dir);
      gateway = await stage.product.gateway({ WORKFLOWS_DIR: dir });
      const { data } = await gateway.post('{ workflows { name parameters { name type required } } }');
      list = listSchema.parse(data).workflows;
    }, 120_000);

    it('are all there', () => {
      const names = Object.keys(SHIPPED).map((name) => `${name}Again`);
      expect(list.map(({ name }) => name).sort()).toEqual([...names, ...RECORDED.map(workflowName)].sort());
    });

    it.each([...Object.keys(SHIPPED).map((name) => `${name}Again`), ...RECORDED.map(workflowName)])(
      '%s',
      async (name) => {
        const parameters = list.find((workflow) => workflow.name === name)?.parameters ?? [];
        const given = parameters.flatMap((parameter) => {
          const value = CHEAP[parameter.name] ?? (parameter.required ? required(parameter) : undefined);
          return value === undefined ? [] : [[parameter.name, value]];
        });
        const job = await stage.run({ [name]: Object.fromEntries(given) }, gateway);
        expect(job).toMatchObject({ status: 'SUCCEEDED', error: null, backend: 'comfy1' });
        expect(job.artifacts.length).toBeGreaterThan(0);
      },
    );

    function required({ name, type }: { name: string; type: string }): unknown {
      if (type === 'FILE') return name.includes('mask') ? files.mask : files.photo;
      if (type === 'STRING') return PROMPT;
      throw new Error(`${name} is required: ${type}`);
    }
  });
});

/** `comfygate workflow add` to its end. */
async function add(...args: string[]): Promise<void> {
  const program = new Command();
  const failures: string[] = [];
  addWorkflowCommands(program, {
    env: {},
    write: () => undefined,
    note: () => undefined,
    fail: (text) => void failures.push(text),
  });
  await program.parseAsync(['workflow', 'add', ...args], { from: 'user' });
  expect(failures).toEqual([]);
}
