import type { FolderType } from '../files.ts';
import { encodeAnimatedWebp } from '../media/picture-files.ts';
import { encodeApng, encodePng, type PngText } from '../media/png.ts';
import { asRgb, type Frame, type ImageValue, mapFrames } from '../pictures/frame.ts';
import { toJson } from '../protocol/json.ts';
import {
  boolInput,
  imageInput,
  type NodeCall,
  type NodeRun,
  numberInput,
  optionalImage,
  textInput,
} from './node-call.ts';
import { type FileReference, saveFile, savePath, temporaryPrefix } from './save-path.ts';

/** The workflow goes into every file, as in ComfyUI: the prompt, and each key of `extra_pnginfo`. */
export function metadata(call: NodeCall): PngText[] {
  const extra = Object.entries(call.extraPnginfo).map(([key, value]): PngText => [key, toJson(value)]);
  return [['prompt', toJson(call.prompt)], ...extra];
}

async function savePngs(
  call: NodeCall,
  folder: FolderType,
  prefix: string,
  images: ImageValue,
): Promise<FileReference[]> {
  const path = savePath(call, folder, prefix, images.width, images.height);
  const texts = metadata(call);
  const saved: FileReference[] = [];
  let last: { frame: Frame; bytes: Buffer } | undefined;
  for (let index = 0; index < images.batch; index++) {
    const frame = images.frame(index);
    const bytes = last?.frame === frame ? last.bytes : await encodePng(frame, texts);
    last = { frame, bytes };
    saved.push(saveFile(call, folder, path, index, '_.png', bytes));
  }
  return saved;
}

const saveImage: NodeRun = async (call) => {
  const images = imageInput(call, 'images');
  return {
    outputs: [images],
    ui: { images: await savePngs(call, 'output', textInput(call, 'filename_prefix', 'ComfyUI'), images) },
  };
};

const previewImage: NodeRun = async (call) => {
  const images = imageInput(call, 'images');
  return { outputs: [images], ui: { images: await savePngs(call, 'temp', temporaryPrefix(call), images) } };
};

const maskPreview: NodeRun = async (call) => {
  const mask = imageInput(call, 'mask');
  const images = mapFrames(mask, asRgb, 'image');
  const saved = await savePngs(call, 'temp', temporaryPrefix(call), images);
  return { outputs: [mask], ui: { images: saved, animated: [false] } };
};

const imageCompare: NodeRun = async (call) => {
  const ui: Record<string, FileReference[]> = {};
  for (const side of ['a', 'b']) {
    const images = optionalImage(call, `image_${side}`);
    ui[`${side}_images`] = images
      ? await savePngs(call, 'temp', temporaryPrefix(call, `comfy.compare.${side}`), images)
      : [];
  }
  return { ui };
};

/** Sends the pictures as preview frames of full size, and saves nothing. */
const saveImageWebsocket: NodeRun = async (call) => {
  const images = imageInput(call, 'images');
  for (let index = 0; index < images.batch; index++) {
    const bytes = await encodePng(images.frame(index));
    await call.step(0, index, images.batch, { format: 'png', bytes });
  }
  return {};
};

/** There is no encoder for EXR here: its files hold a PNG under the requested name. */
const saveImageAdvanced: NodeRun = async (call) => {
  const images = imageInput(call, 'images');
  const ending = `.${textInput(call, 'format', 'png')}`;
  const path = savePath(call, 'output', textInput(call, 'filename_prefix', 'ComfyUI'), images.width, images.height);
  const saved: FileReference[] = [];
  for (let index = 0; index < images.batch; index++) {
    saved.push(saveFile(call, 'output', path, index, ending, await encodePng(images.frame(index), metadata(call))));
  }
  return { outputs: [images], ui: { images: saved } };
};

type EncodeFrames = (call: NodeCall, frames: Frame[], delayMs: number) => Promise<Buffer>;

function saveAnimated(ending: string, encode: EncodeFrames): NodeRun {
  return async (call) => {
    const images = imageInput(call, 'images');
    const path = savePath(call, 'output', textInput(call, 'filename_prefix', 'ComfyUI'), images.width, images.height);
    const frames = Array.from({ length: images.batch }, (_, index) => images.frame(index));
    const bytes = await encode(call, frames, 1000 / numberInput(call, 'fps', 6));
    const saved = [saveFile(call, 'output', path, 0, ending, bytes)];
    return { outputs: [images], ui: images.batch > 1 ? { images: saved, animated: [true] } : { images: saved } };
  };
}

const encodeForApng: EncodeFrames = (call, frames, delayMs) => encodeApng(frames, delayMs, metadata(call));

/** Without metadata, unlike ComfyUI's. */
const encodeForWebp: EncodeFrames = (call, frames, delayMs) => {
  const lossless = boolInput(call, 'lossless');
  return encodeAnimatedWebp(frames, {
    delayMs,
    quality: lossless ? 'lossless' : Math.max(1, numberInput(call, 'quality')),
  });
};

/** Output nodes of pictures. */
export const imageOutputNodes: Record<string, NodeRun> = {
  SaveImage: saveImage,
  PreviewImage: previewImage,
  MaskPreview: maskPreview,
  ImageCompare: imageCompare,
  SaveImageWebsocket: saveImageWebsocket,
  SaveImageAdvanced: saveImageAdvanced,
  SaveAnimatedPNG: saveAnimated('_.png', encodeForApng),
  SaveAnimatedWEBP: saveAnimated('_.webp', encodeForWebp),
};
