import { encodePng } from '../media/png.ts';
import type { PreviewImage } from '../messages.ts';
import { type Frame, mix, pixelFrame, resize, solidFrame } from '../pictures/frame.ts';
import { landscape } from '../pictures/landscape.ts';
import { isRecord } from '../protocol/json.ts';
import {
  conditioningInput,
  imageInput,
  integerText,
  latentInput,
  type NodeCall,
  type NodeRun,
  numberInput,
  optionalImage,
} from './node-call.ts';
import { allocate, type Conditioning, type Latent } from './values.ts';

/** Time of a sampler step at speed 1. Milliseconds. */
const stepMs = 20;
/** A preview has a pixel for each of the latent's, as latent2rgb makes them. */
const previewScale = 1 / 8;

function emptyLatent(width: number, height: number, batch: number, length = 1, seconds = 0): Latent {
  allocate(((width * height) / 64) * batch * length * 16 * 4);
  const frame = solidFrame(width, height, [127, 127, 127]);
  return { kind: 'latent', width, height, batch, length, seconds, frame: () => frame, seed: '' };
}

function emptyLatentNode(lengthInput?: string): NodeRun {
  return (call) => {
    const length = lengthInput ? numberInput(call, lengthInput, 1) : 1;
    const batch = numberInput(call, 'batch_size', 1);
    return { outputs: [emptyLatent(numberInput(call, 'width'), numberInput(call, 'height'), batch, length)] };
  };
}

const emptyAudioLatent: NodeRun = (call) => ({
  outputs: [emptyLatent(8, 8, numberInput(call, 'batch_size', 1), 1, numberInput(call, 'seconds'))],
});

interface Sampling {
  seed: string;
  steps: number;
  cfg: number;
  positive: string;
  negative: string;
  latent: Latent;
  /** Share of the picture that is made anew, 0 to 1. */
  denoise: number;
}

/** Reports progress for each step, and returns how to draw the pictures that result. */
async function sample(call: NodeCall, sampling: Sampling): Promise<Latent> {
  const { steps } = sampling;
  const result = sampled(sampling);
  const preview = ['', 'none', 'default'].includes(call.previewMethod) ? undefined : await previewer(sampling);
  for (let step = 1; step <= steps; step++) {
    await call.step(stepMs, step, steps, preview?.(step / steps));
  }
  return result;
}

function sampled({ latent, ...sampling }: Sampling): Latent {
  const frame = (index: number): Frame => {
    // The frames of a clip show one scene; they differ from picture to picture of the batch only.
    const picture = landscape(latent.width, latent.height, {
      prompt: sampling.positive,
      negative: sampling.negative,
      seed: sampling.seed,
      cfg: sampling.cfg,
      index: Math.floor(index / latent.length),
    });
    return sampling.denoise >= 1 || latent.seed === '' ? picture : mix(latent.frame(index), picture, sampling.denoise);
  };
  return { ...latent, frame, seed: `${sampling.seed}/${sampling.positive}` };
}

/** Makes the small pictures that emerge from grey as the sampler advances. What they show is painted once. */
async function previewer(sampling: Sampling): Promise<(share: number) => Promise<PreviewImage>> {
  const { latent } = sampling;
  const width = Math.max(1, Math.round(latent.width * previewScale));
  const height = Math.max(1, Math.round(latent.height * previewScale));
  const small = { ...latent, width, height, frame: (index: number) => resize(latent.frame(index), width, height) };
  const [before, after] = [small.frame(0), sampled({ ...sampling, latent: small }).frame(0)];
  const painted = pixelFrame(width, height, after.channels, await after.pixels());
  const start = before.solid ? before : pixelFrame(width, height, before.channels, await before.pixels());
  return async (share) => ({ format: 'png', bytes: await encodePng(mix(start, painted, share)) });
}

function textOf(call: NodeCall, input: string): string {
  return conditioningInput(call, input).text;
}

const kSampler: NodeRun = async (call) => {
  const sampling: Sampling = {
    seed: integerText(call, 'seed'),
    steps: numberInput(call, 'steps'),
    cfg: numberInput(call, 'cfg'),
    positive: textOf(call, 'positive'),
    negative: textOf(call, 'negative'),
    latent: latentInput(call, 'latent_image'),
    denoise: numberInput(call, 'denoise', 1),
  };
  return { outputs: [await sample(call, sampling)] };
};

const kSamplerAdvanced: NodeRun = async (call) => {
  const steps = numberInput(call, 'steps');
  const start = Math.min(steps, numberInput(call, 'start_at_step', 0));
  const end = Math.min(steps, numberInput(call, 'end_at_step', steps));
  const sampling: Sampling = {
    seed: integerText(call, 'noise_seed'),
    steps: Math.max(0, end - start),
    cfg: numberInput(call, 'cfg'),
    positive: textOf(call, 'positive'),
    negative: textOf(call, 'negative'),
    latent: latentInput(call, 'latent_image'),
    denoise: start === 0 ? 1 : (end - start) / steps,
  };
  return { outputs: [await sample(call, sampling)] };
};

/** Reads what other nodes made: noise {seed}, guider {text}, sigmas {steps, denoise}. */
const samplerCustom: NodeRun = async (call) => {
  const part = (name: string): Record<string, unknown> => (isRecord(call.inputs[name]) ? call.inputs[name] : {});
  const result = await sample(call, {
    seed: String(part('noise').seed ?? 0),
    steps: Number(part('sigmas').steps ?? 20),
    cfg: 7,
    positive: String(part('guider').text ?? ''),
    negative: '',
    latent: latentInput(call, 'latent_image'),
    denoise: Number(part('sigmas').denoise ?? 1),
  });
  return { outputs: [result, result] };
};

function decoded(latent: Latent) {
  const { width, height, frame } = latent;
  return { kind: 'image' as const, width, height, channels: 3 as const, batch: latent.batch * latent.length, frame };
}

const decodeTiled: NodeRun = async (call) => {
  const latent = latentInput(call, 'samples');
  const tile = numberInput(call, 'tile_size', 512);
  const tiles = Math.ceil(latent.width / tile) * Math.ceil(latent.height / tile) * 3;
  for (let done = 1; done <= tiles; done++) await call.step(10, done, tiles);
  return { outputs: [decoded(latent)] };
};

const encode: NodeRun = (call) => {
  const pixels = imageInput(call, 'pixels');
  const width = Math.max(8, pixels.width - (pixels.width % 8));
  const height = Math.max(8, pixels.height - (pixels.height % 8));
  const frame = (index: number): Frame => resize(pixels.frame(index % pixels.batch), width, height);
  return { outputs: [{ ...emptyLatent(width, height, pixels.batch), frame, seed: 'encoded' }] };
};

function upscaled(latent: Latent, width: number, height: number): Latent {
  return { ...latent, width, height, frame: (index) => resize(latent.frame(index), width, height) };
}

const eighths = (side: number): number => Math.max(8, Math.round(side / 8) * 8);

/** Makes a clip's latent from a first frame, as the image-to-video nodes do. */
const imageToVideo: NodeRun = (call) => {
  const length = numberInput(call, call.inputs.video_frames === undefined ? 'length' : 'video_frames', 1);
  const latent = emptyLatent(
    numberInput(call, 'width'),
    numberInput(call, 'height'),
    numberInput(call, 'batch_size', 1),
    length,
  );
  const start = optionalImage(call, 'start_image') ?? optionalImage(call, 'image') ?? optionalImage(call, 'init_image');
  const frame = (): Frame => (start ? resize(start.frame(0), latent.width, latent.height) : latent.frame(0));
  const empty: Conditioning = { kind: 'conditioning', text: '' };
  const conditioning = (name: string): unknown => call.inputs[name] ?? empty;
  return { outputs: [conditioning('positive'), conditioning('negative'), { ...latent, frame }] };
};

/** Node classes that make, sample, decode and encode latents. */
export const samplingNodes: Record<string, NodeRun> = {
  EmptyLatentImage: emptyLatentNode(),
  EmptySD3LatentImage: emptyLatentNode(),
  EmptyHunyuanLatentVideo: emptyLatentNode('length'),
  EmptyLTXVLatentVideo: emptyLatentNode('length'),
  EmptyLatentAudio: emptyAudioLatent,
  EmptyAceStepLatentAudio: emptyAudioLatent,
  KSampler: kSampler,
  KSamplerAdvanced: kSamplerAdvanced,
  SamplerCustomAdvanced: samplerCustom,
  VAEDecode: (call) => ({ outputs: [decoded(latentInput(call, 'samples'))] }),
  VAEDecodeTiled: decodeTiled,
  VAEEncode: encode,
  VAEEncodeForInpaint: encode,
  SetLatentNoiseMask: (call) => ({ outputs: [latentInput(call, 'samples')] }),
  InpaintModelConditioning: async (call) => {
    const { outputs } = await encode(call);
    return { outputs: [conditioningInput(call, 'positive'), conditioningInput(call, 'negative'), outputs?.[0]] };
  },
  LatentUpscale: (call) => {
    const latent = latentInput(call, 'samples');
    const width = numberInput(call, 'width');
    const height = numberInput(call, 'height');
    if (width === 0 && height === 0) return { outputs: [latent] };
    const wide = width || eighths((latent.width * height) / latent.height);
    return { outputs: [upscaled(latent, wide, height || eighths((latent.height * width) / latent.width))] };
  },
  LatentUpscaleBy: (call) => {
    const latent = latentInput(call, 'samples');
    const factor = numberInput(call, 'scale_by');
    return { outputs: [upscaled(latent, eighths(latent.width * factor), eighths(latent.height * factor))] };
  },
  WanImageToVideo: imageToVideo,
  LTXVImgToVideo: imageToVideo,
  SVD_img2vid_Conditioning: imageToVideo,
  VAEDecodeAudio: (call) => {
    const latent = latentInput(call, 'samples');
    const seconds = latent.seconds || 1;
    return { outputs: [{ kind: 'audio', sampleRate: 44_100, channels: 2, seconds, tune: latent.seed }] };
  },
};
