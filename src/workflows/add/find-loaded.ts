import { type FileKind, fileKinds } from '../../core/file-source.ts';
import { type Graph, isModelFile } from '../../core/graph.ts';
import type { InputSpec } from '../../core/node-definitions.ts';
import { own } from '../../core/objects.ts';
import { modelCheck } from '../values.ts';
import { ownName } from './declared.ts';
import type { Finding } from './finding.ts';
import { nodeNames } from './names.ts';
import { camelCase, FILE_RANK, MODEL_RANK, OF_THE_HOUSE } from './rules.ts';
import type { Literal, Place, Wiring } from './wiring.ts';

const isModelName = modelCheck(255);
const MODEL_INPUT = /^(?:ckpt|unet|vae|lora|clip|control_net|style_model|gligen|hypernetwork|model)_name\d?$/;
const MEDIA_FILES: [FileKind, RegExp][] = [
  ['image', /\.(?:png|jpe?g|webp|gif|bmp|tiff?|avif)(?: \[\w+\])?$/i],
  ['audio', /\.(?:flac|mp3|wav|ogg|opus|m4a|aac)(?: \[\w+\])?$/i],
  ['video', /\.(?:mp4|webm|mov|mkv|avi)(?: \[\w+\])?$/i],
];

/** Words of an input or its class that say that it takes a path, where the class is not known. */
const TAKES_PATH = /path|dir(?:ectory)?(?![a-z])|folder|url|http/i;
/** Of a value in which a list of input files does not name one: from a root, or through the folders of ComfyUI. */
const IS_PATH = /^(?:[\\/~.]|[A-Za-z]:[\\/]|\w+:\/\/|(?:input|output|temp)[\\/])/;

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
export function findFile(literal: Literal, wiring: Wiring): Finding | null {
  const { at, place, value } = literal;
  const file = typeof value === 'string' ? fileKind(wiring, at, value) : null;
  if (!file) return null;
  const takes = { type: 'file', file: file === 'image' && servesAsMask(at.node, wiring) ? 'mask' : file } as const;
  const description = {
    image: 'What it works on.',
    mask: 'Where it works.',
    audio: 'What it works on.',
    video: 'What it works on.',
  }[takes.file];
  const guess = wiring.isKnown(at.node) ? {} : { guess: 'file' as const };
  return { name: takes.file, takes, description, value, at, places: [place], sameAs: null, rank: FILE_RANK, ...guess };
}

/**
 * Only what takes a list of input files gets one: its class says that it can be uploaded. A class that takes a path
 * would look for the name elsewhere. Where the class is not known, it has to look like that of a list.
 */
function fileKind(wiring: Wiring, at: Place, value: string): FileKind | null {
  const classType = wiring.node(at.node)?.class_type ?? '';
  const named = mediaKind(value);
  const kind = wiring.isKnown(at.node)
    ? uploadKind(wiring.spec(at), named)
    : /load/i.test(classType) && !takesPath(classType, at, value)
      ? named
      : null;
  return kind === 'image' && /mask/i.test(classType) ? 'mask' : kind;
}

function uploadKind(spec: InputSpec | undefined, named: FileKind | null): FileKind | null {
  const upload = spec?.kind === 'OWN' ? spec.shown?.upload : undefined;
  return fileKinds.find((kind) => kind === upload) ?? (upload === undefined ? null : named);
}

function takesPath(classType: string, { input }: Place, value: string): boolean {
  return TAKES_PATH.test(ownName(input)) || TAKES_PATH.test(classType) || IS_PATH.test(value);
}

function mediaKind(value: string): FileKind | null {
  return MEDIA_FILES.find(([, pattern]) => pattern.test(value))?.[0] ?? null;
}

/** Names the nodes that read media files from a path at the server, where no file of a caller's is. */
export function pathNotes(wiring: Wiring): string[] {
  const nodes = wiring.ids.filter((node) =>
    wiring.inputs(node).some((input) => {
      const at = { node, input };
      const value = wiring.node(node)?.inputs[input];
      const isRead = typeof value === 'string' && mediaKind(value) !== null && !OF_THE_HOUSE.test(input);
      return isRead && /load|read|open/i.test(wiring.node(node)?.class_type ?? '') && !fileKind(wiring, at, value);
    }),
  );
  return nodes.length > 0
    ? [`a path at the server, and no file of a caller's, goes to ${nodeNames(wiring, nodes)}`]
    : [];
}

/** Whether only the second output of a LoadImage is used, which is the mask of the picture. */
function servesAsMask(node: string, wiring: Wiring): boolean {
  const users = wiring.users(node);
  return (
    users.length > 0 && users.every((user) => user.slot === 1 || wiring.node(user.node)?.class_type === 'ImageToMask')
  );
}

/** Finds the model files that nodes load. */
export function findModel(literal: Literal, graph: Graph, wiring: Wiring): Finding | null {
  const { at, place, value } = literal;
  const classType = graph[place.node]?.class_type ?? '';
  if (typeof value !== 'string' || !isModelName(value).ok) return null;
  if (!isModelFile(value) && !isModelInput(wiring, at)) return null;
  const [name, description] = modelName(classType, at.input);
  const sameAs = `${classType}.${at.input} ${value}`;
  return { name, takes: { type: 'model' }, description, value, at, places: [place], sameAs, rank: MODEL_RANK };
}

/** Whether a loader calls its input as those for models are called. */
export function isModelInput(wiring: Wiring, { node, input }: Place): boolean {
  return MODEL_INPUT.test(input) && /load/i.test(wiring.node(node)?.class_type ?? '');
}

function modelName(classType: string, input: string): [name: string, description: string] {
  if (/ClipVision|CLIPVision/.test(classType)) return ['clipVision', 'File name of the CLIP vision model.'];
  if (/upscale/i.test(classType)) return ['upscaleModel', 'File name of the upscale model.'];
  return modelCalled(input);
}

/** What a model is called by the input that names it. */
export function modelCalled(input: string): [name: string, description: string] {
  return own(modelNames, input) ?? [camelCase(input.replace(/_name$/, '')) || 'model', 'File name of the model.'];
}
