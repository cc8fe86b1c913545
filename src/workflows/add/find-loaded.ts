import type { FileKind } from '../../core/file-source.ts';
import { type Graph, isModelFile } from '../../core/graph.ts';
import { own } from '../../core/objects.ts';
import { modelCheck } from '../values.ts';
import type { Finding } from './finding.ts';
import { camelCase, FILE_RANK, MODEL_RANK } from './rules.ts';
import type { Literal, Wiring } from './wiring.ts';

const isModelName = modelCheck(255);
const MODEL_INPUT = /^(?:ckpt|unet|vae|lora|clip|control_net|style_model|gligen|hypernetwork|model)_name\d?$/;
const MEDIA_FILES: [FileKind, RegExp][] = [
  ['image', /\.(?:png|jpe?g|webp|gif|bmp|tiff?|avif)(?: \[\w+\])?$/i],
  ['audio', /\.(?:flac|mp3|wav|ogg|opus|m4a|aac)(?: \[\w+\])?$/i],
  ['video', /\.(?:mp4|webm|mov|mkv|avi)(?: \[\w+\])?$/i],
];

/** The inputs of stock loaders that take the name of an input file. */
const FILE_INPUTS: { [classInput: string]: FileKind } = {
  'LoadImage.image': 'image',
  'LoadImageOutput.image': 'image',
  'LoadImageMask.image': 'mask',
  'LoadAudio.audio': 'audio',
  'LoadVideo.file': 'video',
  'LoadVideo.video': 'video',
};

const modelNames: { [input: string]: [name: string, description: string] } = {
  ckpt_name: ['model', 'File name of the checkpoint.'],
  unet_name: ['model', 'File name of the diffusion model.'],
  lora_name: ['lora', 'File name of the LoRA.'],
  vae_name: ['vae', 'File name of the VAE.'],
  clip_name: ['textEncoder', 'File name of the text encoder.'],
  clip_name1: ['textEncoder', 'File name of the first text encoder.'],
  clip_name2: ['textEncoder2', 'File name of the second text encoder.'],
  clip_name3: ['textEncoder3', 'File name of the third text encoder.'],
  control_net_name: ['controlNet', 'File name of the ControlNet.'],
};

/**
 * Finds input files. Each becomes a required parameter, since the file of the exporting machine exists nowhere else.
 */
export function findFile(literal: Literal, graph: Graph, wiring: Wiring): Finding | null {
  const { at, place, value } = literal;
  const classType = graph[at.node]?.class_type ?? '';
  const file = typeof value === 'string' ? fileKind(`${classType}.${at.input}`, classType, value) : null;
  if (!file) return null;
  const takes = { type: 'file', file: file === 'image' && servesAsMask(at.node, wiring) ? 'mask' : file } as const;
  const description = {
    image: 'What it works on.',
    mask: 'Where it works.',
    audio: 'What it works on.',
    video: 'What it works on.',
  }[takes.file];
  return { name: takes.file, takes, description, value, at, places: [place], sameAs: null, rank: FILE_RANK };
}

function fileKind(classInput: string, classType: string, value: string): FileKind | null {
  const known = own(FILE_INPUTS, classInput);
  if (known) return known;
  if (!/load/i.test(classType)) return null;
  const kind = MEDIA_FILES.find(([, pattern]) => pattern.test(value))?.[0] ?? null;
  return kind === 'image' && /mask/i.test(classType) ? 'mask' : kind;
}

/** Whether only the second output of a LoadImage is used, which is the mask of the picture. */
function servesAsMask(node: string, wiring: Wiring): boolean {
  const users = wiring.users(node);
  return (
    users.length > 0 && users.every((user) => user.slot === 1 || wiring.node(user.node)?.class_type === 'ImageToMask')
  );
}

/** Finds the model files that nodes load. */
export function findModel(literal: Literal, graph: Graph): Finding | null {
  const { at, place, value } = literal;
  const classType = graph[place.node]?.class_type ?? '';
  if (typeof value !== 'string' || !isModelName(value).ok) return null;
  if (!isModelFile(value) && !(MODEL_INPUT.test(at.input) && /load/i.test(classType))) return null;
  const [name, description] = modelName(classType, at.input);
  const sameAs = `${classType}.${at.input} ${value}`;
  return { name, takes: { type: 'model' }, description, value, at, places: [place], sameAs, rank: MODEL_RANK };
}

function modelName(classType: string, input: string): [name: string, description: string] {
  if (/ClipVision|CLIPVision/.test(classType)) return ['clipVision', 'File name of the CLIP vision model.'];
  if (/upscale/i.test(classType)) return ['upscaleModel', 'File name of the upscale model.'];
  const known = own(modelNames, input);
  return known ?? [camelCase(input.replace(/_name$/, '')) || 'model', 'File name of the model.'];
}
