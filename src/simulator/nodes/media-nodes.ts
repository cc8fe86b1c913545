import { sha256 } from '../files.ts';
import { encodeClip } from '../media/clip.ts';
import { type ClipContainer, writeClip } from '../media/containers.ts';
import { encodeFlac } from '../media/flac.ts';
import { createH264Encoder } from '../media/h264.ts';
import { chord, encodeMp3, encodeOpus, type Sound } from '../media/sound.ts';
import { createVp8Encoder } from '../media/vp8.ts';
import { type ImageValue, imageOf } from '../pictures/frame.ts';
import { landscape } from '../pictures/landscape.ts';
import { indentJson } from '../protocol/json.ts';
import { PythonError, repr } from '../protocol/python.ts';
import { metadata } from './image-output-nodes.ts';
import { inputFile } from './input-file.ts';
import {
  audioInput,
  imageInput,
  latentInput,
  type NodeCall,
  type NodeRun,
  numberInput,
  textInput,
  videoInput,
} from './node-call.ts';
import { baseDirectory, saveFile, savePath, temporaryPrefix } from './save-path.ts';
import type { Audio, Video } from './values.ts';

function soundOf(audio: Audio): Sound {
  const { sampleRate, channels, seconds, tune } = audio;
  const length = Math.max(1, Math.round(seconds * sampleRate));
  return tune === undefined
    ? { sampleRate, channels, length }
    : { sampleRate, channels, length, sample: chord(tune, sampleRate) };
}

async function encodeAudio(call: NodeCall, audio: Audio, format: string): Promise<Buffer> {
  if (format === 'mp3') return encodeMp3(soundOf(audio));
  if (format === 'opus') return encodeOpus(soundOf(audio), metadata(call));
  return encodeFlac(soundOf(audio), metadata(call));
}

function saveAudio(format?: 'flac' | 'mp3' | 'opus'): NodeRun {
  return async (call) => {
    const audio = audioInput(call, 'audio');
    const chosen = format ?? textInput(call, 'format', 'flac');
    const path = savePath(call, 'output', textInput(call, 'filename_prefix', 'audio/ComfyUI'));
    const saved = saveFile(call, 'output', path, 0, `.${chosen}`, await encodeAudio(call, audio, chosen));
    return { outputs: [audio], ui: { audio: [saved] } };
  };
}

const previewAudio: NodeRun = async (call) => {
  const audio = audioInput(call, 'audio');
  const path = savePath(call, 'temp', temporaryPrefix(call));
  const saved = saveFile(call, 'temp', path, 0, '.flac', await encodeAudio(call, audio, 'flac'));
  return { outputs: [audio], ui: { audio: [saved] } };
};

/** The seed of an uploaded medium: what it shows is not read, but equal files give equal results. */
function uploaded(call: NodeCall, input: string): string {
  const { file, folder, path } = inputFile(call.files, textInput(call, input));
  if (file) return sha256(file.bytes);
  throw new PythonError(
    'FileNotFoundError',
    `[Errno 2] No such file or directory: ${repr(`${baseDirectory}/${folder}/${path}`)}`,
  );
}

/** Each container has one codec, whichever the node names. */
async function encodeVideo(images: ImageValue, fps: number, container: ClipContainer): Promise<Buffer> {
  const createEncoder = container === 'webm' ? createVp8Encoder : createH264Encoder;
  return writeClip(await encodeClip(images, fps, createEncoder), container);
}

const saveVideo: NodeRun = async (call) => {
  const video = videoInput(call, 'video');
  const { width, height } = video.images;
  const path = savePath(call, 'output', textInput(call, 'filename_prefix', 'video/ComfyUI'), width, height);
  const choice = textInput(call, 'format', 'auto');
  const format = choice === 'auto' ? 'mp4' : choice;
  // Where the dotted input has no choice of this format, ComfyUI reads the older, flat one, which validation ignores.
  const known = ['auto', 'av1'].includes(textInput(call, 'format.codec', ''));
  if (format === 'webm' && !known && call.inputs.codec === 'h264') {
    throw new PythonError('ValueError', 'WebM output requires the AV1 codec');
  }
  const container = format === 'mp4' || format === 'webm' ? format : 'mkv';
  const bytes = await encodeVideo(video.images, video.fps, container);
  const saved = saveFile(call, 'output', path, 0, `_.${format}`, bytes);
  return { outputs: [video], ui: { images: [saved], animated: [true] } };
};

const saveWebm: NodeRun = async (call) => {
  const images = imageInput(call, 'images');
  const path = savePath(call, 'output', textInput(call, 'filename_prefix', 'ComfyUI'), images.width, images.height);
  const bytes = await encodeVideo(images, numberInput(call, 'fps', 24), 'webm');
  return { outputs: [images], ui: { images: [saveFile(call, 'output', path, 0, '_.webm', bytes)], animated: [true] } };
};

/** A safetensors file with an empty tensor of the latent's shape and the workflow as its metadata. */
const saveLatent: NodeRun = (call) => {
  const latent = latentInput(call, 'samples');
  const path = savePath(call, 'output', textInput(call, 'filename_prefix', 'latents/ComfyUI'));
  const shape = [latent.batch, 4, Math.max(1, latent.height / 8), Math.max(1, latent.width / 8)];
  const size = shape.reduce((product, side) => product * side, 4);
  const header = Buffer.from(
    JSON.stringify({
      __metadata__: Object.fromEntries(metadata(call)),
      latent_tensor: { dtype: 'F32', shape, data_offsets: [0, size] },
      latent_format_version_0: { dtype: 'F32', shape: [0], data_offsets: [size, size] },
    }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const saved = saveFile(call, 'output', path, 0, '_.latent', Buffer.concat([length, header, Buffer.alloc(size)]));
  return { outputs: [latent], ui: { latents: [saved] } };
};

const saveText: NodeRun = (call) => {
  const text = textInput(call, 'text');
  const format = textInput(call, 'format', 'txt');
  const written = format === 'json' ? (indentJson(text) ?? text) : text;
  const path = savePath(call, 'output', textInput(call, 'filename_prefix', 'ComfyUI'));
  const saved = saveFile(call, 'output', path, 0, `.${format}`, Buffer.from(written));
  return { outputs: [text], ui: { text: [text], files: [saved] } };
};

/** Node classes of sound, video, latent and text files. */
export const mediaNodes: Record<string, NodeRun> = {
  EmptyAudio: (call) => ({
    outputs: [
      {
        kind: 'audio',
        seconds: numberInput(call, 'duration'),
        sampleRate: numberInput(call, 'sample_rate', 44_100),
        channels: numberInput(call, 'channels', 2),
      },
    ],
  }),
  LoadAudio: (call) => ({
    outputs: [{ kind: 'audio', sampleRate: 44_100, channels: 2, seconds: 1, tune: uploaded(call, 'audio') }],
  }),
  SaveAudio: saveAudio('flac'),
  SaveAudioMP3: saveAudio('mp3'),
  SaveAudioOpus: saveAudio('opus'),
  SaveAudioAdvanced: saveAudio(),
  PreviewAudio: previewAudio,
  CreateVideo: (call) => {
    const audio = call.inputs.audio ? audioInput(call, 'audio') : undefined;
    const video: Video = {
      kind: 'video',
      images: imageInput(call, 'images'),
      fps: numberInput(call, 'fps', 30),
      audio,
    };
    return { outputs: [video] };
  },
  LoadVideo: (call) => {
    const spec = { prompt: '', negative: '', seed: uploaded(call, 'file'), cfg: 7, index: 0 };
    const images = { ...imageOf([landscape(640, 360, spec)]), batch: 24 };
    return { outputs: [{ kind: 'video', images, fps: 24, audio: undefined }] };
  },
  GetVideoComponents: (call) => {
    const { images, fps, audio } = videoInput(call, 'video');
    const silence: Audio = { kind: 'audio', sampleRate: 44_100, channels: 2, seconds: images.batch / fps };
    return { outputs: [images, audio ?? silence, fps, 8, 'sRGB'] };
  },
  SaveVideo: saveVideo,
  SaveWEBM: saveWebm,
  SaveLatent: saveLatent,
  SaveText: saveText,
  Preview3D: (call) => ({
    ui: { result: [textInput(call, 'model_file'), call.inputs.camera_info ?? null, null] },
  }),
};
