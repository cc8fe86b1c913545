import { blur, grain } from '../pictures/effects.ts';
import {
  drawn,
  type ImageValue,
  imageOf,
  invert,
  mapFrames,
  mapped,
  mix,
  resize,
  solidFrame,
  window,
} from '../pictures/frame.ts';
import { PythonError } from '../protocol/python.ts';
import {
  boolInput,
  imageInput,
  integerText,
  type NodeCall,
  type NodeRun,
  numberInput,
  optionalImage,
  subtrahendInput,
  textInput,
} from './node-call.ts';
import { allocate } from './values.ts';

/** Milliseconds at speed 1 for a million pixels of cheap work, and of a lanczos scale. */
const cheapMsPerMegapixel = 1;
const scaleMsPerMegapixel = 6;
const blurMsPerMegapixel = 160;
const transferMsPerFrame = 8;

function megapixels(image: { width: number; height: number; batch: number }): number {
  return (image.width * image.height * image.batch) / 1e6;
}

const emptyImage: NodeRun = (call) => {
  const width = numberInput(call, 'width');
  const height = numberInput(call, 'height');
  const batch = numberInput(call, 'batch_size', 1);
  const colour = numberInput(call, 'color', 0);
  allocate(width * height * batch * 4); // the real one makes one plane per channel first
  const frame = solidFrame(width, height, [(colour >> 16) & 255, (colour >> 8) & 255, colour & 255]);
  return { outputs: [repeated(imageOf([frame]), batch)] };
};

function repeated(image: ImageValue, amount: number): ImageValue {
  return { ...image, batch: image.batch * amount, frame: (index) => image.frame(index % image.batch) };
}

function joined(first: ImageValue, second: ImageValue): ImageValue {
  const fitted = mapFrames(second, (frame) => resize(frame, first.width, first.height));
  const frame = (index: number) => (index < first.batch ? first.frame(index) : fitted.frame(index - first.batch));
  return { ...first, batch: first.batch + second.batch, frame };
}

async function scaled(call: NodeCall, image: ImageValue, width: number, height: number): Promise<ImageValue> {
  const method = textInput(call, 'upscale_method', 'bilinear');
  allocate(width * height * image.batch * image.channels * 4);
  await call.work(
    megapixels({ width, height, batch: image.batch }) *
      (method === 'lanczos' ? scaleMsPerMegapixel : cheapMsPerMegapixel),
  );
  const centre = textInput(call, 'crop', 'disabled') === 'center';
  return mapFrames(image, (frame) => {
    if (!centre) return resize(frame, width, height, method === 'nearest-exact');
    const ratio = Math.min(frame.width / width, frame.height / height);
    const cutWidth = Math.max(1, Math.round(width * ratio));
    const cutHeight = Math.max(1, Math.round(height * ratio));
    const cut = window(frame, (frame.width - cutWidth) >> 1, (frame.height - cutHeight) >> 1, cutWidth, cutHeight);
    return resize(cut, width, height, method === 'nearest-exact');
  });
}

const imageScale: NodeRun = async (call) => {
  const image = imageInput(call, 'image');
  let width = numberInput(call, 'width');
  let height = numberInput(call, 'height');
  if (width === 0 && height === 0) return { outputs: [image] };
  if (width === 0) width = Math.max(1, Math.round((image.width * height) / image.height));
  if (height === 0) height = Math.max(1, Math.round((image.height * width) / image.width));
  return { outputs: [await scaled(call, image, width, height)] };
};

const imageScaleBy: NodeRun = async (call) => {
  const image = imageInput(call, 'image');
  const factor = numberInput(call, 'scale_by');
  const size = (side: number): number => Math.max(1, Math.round(side * factor));
  return { outputs: [await scaled(call, image, size(image.width), size(image.height))] };
};

const imageScaleToTotalPixels: NodeRun = async (call) => {
  const image = imageInput(call, 'image');
  const factor = Math.sqrt((numberInput(call, 'megapixels') * 1024 * 1024) / (image.width * image.height));
  const multiple = numberInput(call, 'resolution_steps', 1);
  const size = (side: number): number => Math.max(multiple, Math.round((side * factor) / multiple) * multiple);
  return { outputs: [await scaled(call, image, size(image.width), size(image.height))] };
};

const upscaleWithModel: NodeRun = async (call) => {
  const image = imageInput(call, 'image');
  const tiles = Math.max(1, Math.ceil(image.width / 512) * Math.ceil(image.height / 512) * image.batch);
  for (let tile = 1; tile <= tiles; tile++) await call.step(60, tile, tiles);
  allocate(image.width * image.height * image.batch * 16 * 12);
  return { outputs: [mapFrames(image, (frame) => resize(frame, frame.width * 4, frame.height * 4))] };
};

const imageFromBatch: NodeRun = (call) => {
  const image = imageInput(call, 'image');
  const index = numberInput(call, 'batch_index');
  const start = Math.min(image.batch - 1, Math.max(0, index < 0 ? index + image.batch : index));
  const batch = Math.min(image.batch - start, numberInput(call, 'length', 1));
  return { outputs: [{ ...image, batch, frame: (index: number) => image.frame(start + index) }] };
};

const imageCrop: NodeRun = (call) => {
  const image = imageInput(call, 'image');
  const x = Math.min(numberInput(call, 'x'), image.width - 1);
  const y = Math.min(numberInput(call, 'y'), image.height - 1);
  const width = Math.min(numberInput(call, 'width'), image.width - x);
  const height = Math.min(numberInput(call, 'height'), image.height - y);
  return { outputs: [mapFrames(image, (frame) => window(frame, x, y, width, height))] };
};

const imagePad: NodeRun = (call) => {
  const image = imageInput(call, 'image');
  const left = numberInput(call, 'left');
  const top = numberInput(call, 'top');
  const width = image.width + left + numberInput(call, 'right');
  const height = image.height + top + numberInput(call, 'bottom');
  allocate(width * height * image.batch * 12);
  const padded = mapFrames(image, (frame) => window(frame, -left, -top, width, height));
  const mask = drawn(width, height, 1, async () => (x, y, to, out) => {
    const inside = x >= left && y >= top && x < left + image.width && y < top + image.height;
    to[out] = inside ? 0 : 255;
  });
  return { outputs: [padded, imageOf([mask], 'mask')] };
};

const imageBlur: NodeRun = async (call) => {
  const image = imageInput(call, 'image');
  const radius = numberInput(call, 'blur_radius');
  await call.work((megapixels(image) * blurMsPerMegapixel * (2 * radius + 1)) / 63);
  return { outputs: [mapFrames(image, (frame) => blur(frame, radius))] };
};

const imageAddNoise: NodeRun = async (call) => {
  const image = imageInput(call, 'image');
  const seed = integerText(call, 'seed');
  const strength = numberInput(call, 'strength');
  await call.work(megapixels(image) * 4);
  return { outputs: [mapFrames(image, (frame, index) => grain(frame, `${seed}/${index}`, strength))] };
};

const colorTransfer: NodeRun = async (call) => {
  const target = imageInput(call, 'image_target');
  const reference = imageInput(call, 'image_ref');
  const share = Math.min(1, numberInput(call, 'strength', 1) * 0.5);
  const perFrame = (transferMsPerFrame * target.width * target.height) / (512 * 512);
  for (let index = 1; index <= target.batch; index++) await call.step(perFrame, index, target.batch);
  return {
    outputs: [mapFrames(target, (frame, index) => mix(frame, reference.frame(index % reference.batch), share))],
  };
};

const imageQuantize: NodeRun = (call) => {
  const levels = Math.max(2, Math.round(Math.cbrt(numberInput(call, 'colors', 256))));
  const step = 255 / (levels - 1);
  const flatten = mapFrames(imageInput(call, 'image'), (frame) =>
    mapped(frame, frame.channels, (from, at, to, out) => {
      for (let c = 0; c < frame.channels; c++) to[out + c] = Math.round((from[at + c] ?? 0) / step) * step;
    }),
  );
  return { outputs: [flatten] };
};

const imageComposite: NodeRun = (call) => {
  const destination = imageInput(call, 'destination');
  const source = imageInput(call, 'source');
  const mask = optionalImage(call, 'mask');
  const left = numberInput(call, 'x');
  const top = numberInput(call, 'y');
  const fit = boolInput(call, 'resize_source');
  const result = mapFrames(destination, (under, index) =>
    drawn(under.width, under.height, under.channels, async () => {
      const given = source.frame(index % source.batch);
      const over = fit ? resize(given, under.width, under.height) : given;
      const shape = mask && resize(mask.frame(index % mask.batch), over.width, over.height);
      const [below, above, cover] = await Promise.all([under.pixels(), over.pixels(), shape?.pixels()]);
      return (x, y, to, out) => {
        const u = x - left;
        const v = y - top;
        const there = u >= 0 && v >= 0 && u < over.width && v < over.height;
        const share = there ? (cover ? (cover[v * over.width + u] ?? 0) / 255 : 1) : 0;
        for (let c = 0; c < under.channels; c++) {
          const top = there ? (above[(v * over.width + u) * over.channels + c] ?? 255) : 0;
          to[out + c] = (below[out + c] ?? 0) * (1 - share) + top * share;
        }
      };
    }),
  );
  return { outputs: [result] };
};

const rebatchImages: NodeRun = (call) => {
  const images = call.inputs.images;
  const size = Number((call.inputs.batch_size as unknown[])[0] ?? 1);
  if (!Array.isArray(images)) throw new PythonError('TypeError', 'images is no list');
  const lists: ImageValue[] = [];
  for (const given of images) {
    const image = imageInput({ ...call, inputs: { image: given } }, 'image');
    for (let start = 0; start < image.batch; start += size) {
      const from = start;
      lists.push({ ...image, batch: Math.min(size, image.batch - from), frame: (index) => image.frame(from + index) });
    }
  }
  return { outputs: [lists] };
};

const imageSize: NodeRun = (call) => {
  const image = imageInput(call, 'image');
  call.sendText(`width: ${image.width}, height: ${image.height}\n batch size: ${image.batch}`);
  return { outputs: [image.width, image.height, image.batch] };
};

/** Node classes that make or change images. */
export const imageNodes: Record<string, NodeRun> = {
  EmptyImage: emptyImage,
  ImageInvert: (call) => ({ outputs: [mapFrames(subtrahendInput(call, 'image'), invert)] }),
  ImageBatch: (call) => ({ outputs: [joined(imageInput(call, 'image1'), imageInput(call, 'image2'))] }),
  RepeatImageBatch: (call) => {
    const image = imageInput(call, 'image');
    const amount = numberInput(call, 'amount', 1);
    allocate(image.width * image.height * image.batch * amount * image.channels * 4);
    return { outputs: [repeated(image, amount)] };
  },
  ImageScale: imageScale,
  ImageScaleBy: imageScaleBy,
  ImageScaleToTotalPixels: imageScaleToTotalPixels,
  ImageUpscaleWithModel: upscaleWithModel,
  ImageFromBatch: imageFromBatch,
  ImageCrop: imageCrop,
  ImagePadForOutpaint: imagePad,
  ImageBlur: imageBlur,
  ImageSharpen: (call) => ({ outputs: [imageInput(call, 'image')] }),
  ImageAddNoise: imageAddNoise,
  ImageQuantize: imageQuantize,
  ColorTransfer: colorTransfer,
  ImageCompositeMasked: imageComposite,
  RebatchImages: rebatchImages,
  GetImageSize: imageSize,
};
