/**
 * A picture or mask that is drawn only when its pixels are needed. A graph may make 4096 pictures of 16384 x 16384 and
 * save none of them, so a frame holds how to draw it rather than the pixels.
 */
export interface Frame {
  width: number;
  height: number;
  /** 1: mask or grey, 3: RGB, 4: RGBA. */
  channels: 1 | 3 | 4;
  /** All pixels alike: their channels, 0 to 255. */
  solid?: readonly number[];
  /** The pixels, row by row, `channels` bytes each. A long drawing yields to the event loop in between. */
  pixels(): Promise<Uint8Array>;
}

/** A batch of frames of one size. */
export interface ImageValue {
  kind: 'image' | 'mask';
  width: number;
  height: number;
  channels: 1 | 3 | 4;
  batch: number;
  frame(index: number): Frame;
}

/** Lets timers and sockets run. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** How long a drawing may hold the event loop. */
const sliceMs = 8;

/** Calls `draw` for every row and yields to the event loop every few milliseconds. */
export async function eachRow(height: number, draw: (y: number) => void): Promise<void> {
  let sliceEnd = performance.now() + sliceMs;
  for (let y = 0; y < height; y++) {
    draw(y);
    if ((y & 15) === 15 && performance.now() > sliceEnd) {
      await yieldToEventLoop();
      sliceEnd = performance.now() + sliceMs;
    }
  }
}

export function solidFrame(width: number, height: number, colour: readonly number[]): Frame {
  const channels = colour.length === 1 ? 1 : colour.length === 4 ? 4 : 3;
  return {
    width,
    height,
    channels,
    solid: colour,
    async pixels() {
      const pixels = new Uint8Array(width * height * channels);
      if (colour.every((part) => part === colour[0])) return pixels.fill(colour[0] ?? 0);
      for (let i = 0; i < pixels.length; i += channels)
        for (let c = 0; c < channels; c++) pixels[i + c] = colour[c] ?? 0;
      return pixels;
    },
  };
}

export function pixelFrame(width: number, height: number, channels: 1 | 3 | 4, pixels: Uint8Array): Frame {
  return { width, height, channels, pixels: async () => pixels };
}

/** A frame whose pixels depend on another's, one by one. `change` gets and gives the channels of one pixel. */
export function mapped(
  source: Frame,
  channels: 1 | 3 | 4,
  change: (from: Uint8Array, at: number, to: Uint8Array, out: number) => void,
): Frame {
  const { width, height } = source;
  if (source.solid) {
    const one = new Uint8Array(channels);
    change(Uint8Array.from(source.solid), 0, one, 0);
    return solidFrame(width, height, [...one]);
  }
  return {
    width,
    height,
    channels,
    async pixels() {
      const from = await source.pixels();
      const to = new Uint8Array(width * height * channels);
      await eachRow(height, (y) => {
        for (let x = 0; x < width; x++) {
          const pixel = y * width + x;
          change(from, pixel * source.channels, to, pixel * channels);
        }
      });
      return to;
    },
  };
}

/** A frame drawn pixel by pixel from a sampler that writes the channels at `out`. */
export function drawn(
  width: number,
  height: number,
  channels: 1 | 3 | 4,
  prepare: () => Promise<(x: number, y: number, to: Uint8Array, out: number) => void>,
): Frame {
  return {
    width,
    height,
    channels,
    async pixels() {
      const draw = await prepare();
      const to = new Uint8Array(width * height * channels);
      await eachRow(height, (y) => {
        for (let x = 0; x < width; x++) draw(x, y, to, (y * width + x) * channels);
      });
      return to;
    },
  };
}

/** RGB of any frame: grey becomes three equal channels, alpha is left out. */
export function asRgb(frame: Frame): Frame {
  if (frame.channels === 3) return frame;
  return mapped(frame, 3, (from, at, to, out) => {
    to[out] = from[at] ?? 0;
    to[out + 1] = from[frame.channels === 1 ? at : at + 1] ?? 0;
    to[out + 2] = from[frame.channels === 1 ? at : at + 2] ?? 0;
  });
}

export function invert(frame: Frame): Frame {
  return mapped(frame, frame.channels, (from, at, to, out) => {
    for (let c = 0; c < frame.channels; c++) to[out + c] = 255 - (from[at + c] ?? 0);
  });
}

/** A frame of another size: with `nearest` by the nearest pixel, else by the mean to shrink, bilinear to enlarge. */
export function resize(frame: Frame, width: number, height: number, nearest = false): Frame {
  if (frame.solid) return solidFrame(width, height, frame.solid);
  if (width === frame.width && height === frame.height) return frame;
  const { channels } = frame;
  const shrink = width < frame.width && height < frame.height && !nearest;
  return drawn(width, height, channels, async () => {
    const from = await frame.pixels();
    const scaleX = frame.width / width;
    const scaleY = frame.height / height;
    if (shrink) return boxSampler(frame, from, scaleX, scaleY);
    return (x, y, to, out) => {
      const fx = Math.min(frame.width - 1, Math.max(0, (x + 0.5) * scaleX - 0.5));
      const fy = Math.min(frame.height - 1, Math.max(0, (y + 0.5) * scaleY - 0.5));
      const x0 = nearest ? Math.round(fx) : Math.floor(fx);
      const y0 = nearest ? Math.round(fy) : Math.floor(fy);
      const dx = nearest ? 0 : fx - x0;
      const dy = nearest ? 0 : fy - y0;
      const a = (y0 * frame.width + x0) * channels;
      const right = x0 + 1 < frame.width ? channels : 0;
      const below = y0 + 1 < frame.height ? frame.width * channels : 0;
      for (let c = 0; c < channels; c++) {
        const top = (from[a + c] ?? 0) * (1 - dx) + (from[a + right + c] ?? 0) * dx;
        const bottom = (from[a + below + c] ?? 0) * (1 - dx) + (from[a + below + right + c] ?? 0) * dx;
        to[out + c] = top * (1 - dy) + bottom * dy + 0.5;
      }
    };
  });
}

function boxSampler(frame: Frame, from: Uint8Array, scaleX: number, scaleY: number) {
  const { channels } = frame;
  return (x: number, y: number, to: Uint8Array, out: number): void => {
    const left = Math.floor(x * scaleX);
    const top = Math.floor(y * scaleY);
    const right = Math.max(left + 1, Math.floor((x + 1) * scaleX));
    const bottom = Math.max(top + 1, Math.floor((y + 1) * scaleY));
    const count = (right - left) * (bottom - top);
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let v = top; v < bottom; v++) {
        for (let u = left; u < right; u++) sum += from[(v * frame.width + u) * channels + c] ?? 0;
      }
      to[out + c] = sum / count + 0.5;
    }
  };
}

/** A window of a frame; what lies outside it has the fill colour. */
export function window(frame: Frame, left: number, top: number, width: number, height: number, fill = 128): Frame {
  const inside = left >= 0 && top >= 0 && left + width <= frame.width && top + height <= frame.height;
  if (frame.solid && inside) return solidFrame(width, height, frame.solid);
  const { channels } = frame;
  return drawn(width, height, channels, async () => {
    const from = await frame.pixels();
    return (x, y, to, out) => {
      const u = x + left;
      const v = y + top;
      const there = u >= 0 && v >= 0 && u < frame.width && v < frame.height;
      const at = (v * frame.width + u) * channels;
      for (let c = 0; c < channels; c++) to[out + c] = there ? (from[at + c] ?? 0) : fill;
    };
  });
}

/** `share` of b over a; both of one size and number of channels. */
export function mix(a: Frame, b: Frame, share: number): Frame {
  const other = resize(b, a.width, a.height);
  return drawn(a.width, a.height, a.channels, async () => {
    const [under, over] = await Promise.all([a.pixels(), other.pixels()]);
    return (_x, _y, to, out) => {
      for (let c = 0; c < a.channels; c++)
        to[out + c] = (under[out + c] ?? 0) * (1 - share) + (over[out + c] ?? 0) * share;
    };
  });
}

export function imageOf(frames: readonly Frame[], kind: ImageValue['kind'] = 'image'): ImageValue {
  const [first] = frames;
  if (!first) throw new RangeError('an image needs at least one frame');
  const { width, height, channels } = first;
  return { kind, width, height, channels, batch: frames.length, frame: (index) => frames[index] ?? first };
}

/** The same change for every frame of a batch, made when the frame is read. */
export function mapFrames(
  image: ImageValue,
  change: (frame: Frame, index: number) => Frame,
  kind = image.kind,
): ImageValue {
  const sample = change(image.frame(0), 0);
  const { width, height, channels } = sample;
  return { kind, width, height, channels, batch: image.batch, frame: (index) => change(image.frame(index), index) };
}
