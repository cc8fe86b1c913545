import { asRgb, drawn, type Frame, imageOf, invert, mapFrames, mapped, resize, solidFrame } from '../pictures/frame.ts';
import { imageInput, type NodeRun, numberInput, textInput } from './node-call.ts';

const channelIndex: Record<string, number> = { red: 0, green: 1, blue: 2, alpha: 3 };

/** One channel of a frame as a mask. A picture without alpha is opaque: its alpha is 1. */
export function channelOf(frame: Frame, channel: number): Frame {
  return mapped(frame, 1, (from, at, to, out) => {
    const missing = channel >= frame.channels && channel === 3;
    to[out] = missing ? 255 : (from[at + Math.min(channel, frame.channels - 1)] ?? 0);
  });
}

const operations: Record<string, (under: number, over: number) => number> = {
  multiply: (under, over) => (under * over) / 255,
  add: (under, over) => Math.min(255, under + over),
  subtract: (under, over) => Math.max(0, under - over),
  and: (under, over) => (under > 127 && over > 127 ? 255 : 0),
  or: (under, over) => (under > 127 || over > 127 ? 255 : 0),
  xor: (under, over) => (under > 127 !== over > 127 ? 255 : 0),
};

const maskComposite: NodeRun = (call) => {
  const destination = imageInput(call, 'destination');
  const source = imageInput(call, 'source');
  const left = numberInput(call, 'x');
  const top = numberInput(call, 'y');
  const combine = operations[textInput(call, 'operation', 'multiply')] ?? ((_under: number, over: number) => over);
  const result = mapFrames(destination, (under, index) =>
    drawn(under.width, under.height, 1, async () => {
      const over = source.frame(index % source.batch);
      const [below, above] = await Promise.all([under.pixels(), over.pixels()]);
      return (x, y, to, out) => {
        const u = x - left;
        const v = y - top;
        const there = u >= 0 && v >= 0 && u < over.width && v < over.height;
        const value = below[out] ?? 0;
        to[out] = there ? combine(value, above[v * over.width + u] ?? 0) : value;
      };
    }),
  );
  return { outputs: [result] };
};

const growMask: NodeRun = (call) => {
  const reach = Math.round(numberInput(call, 'expand'));
  const grown = mapFrames(imageInput(call, 'mask'), (frame) => {
    if (frame.solid || reach === 0) return frame;
    return drawn(frame.width, frame.height, 1, async () => {
      const from = await frame.pixels();
      const best = reach > 0 ? Math.max : Math.min;
      const near = (x: number, y: number): number =>
        from[Math.min(frame.height - 1, Math.max(0, y)) * frame.width + Math.min(frame.width - 1, Math.max(0, x))] ?? 0;
      const d = Math.abs(reach);
      return (x, y, to, out) => {
        to[out] = best(near(x, y), near(x - d, y), near(x + d, y), near(x, y - d), near(x, y + d));
      };
    });
  });
  return { outputs: [grown] };
};

/** Node classes that make or change masks, and go between masks and images. */
export const maskNodes: Record<string, NodeRun> = {
  SolidMask: (call) => {
    const value = Math.floor(numberInput(call, 'value', 1) * 255);
    return {
      outputs: [imageOf([solidFrame(numberInput(call, 'width'), numberInput(call, 'height'), [value])], 'mask')],
    };
  },
  InvertMask: (call) => ({ outputs: [mapFrames(imageInput(call, 'mask'), invert)] }),
  MaskToImage: (call) => ({ outputs: [mapFrames(imageInput(call, 'mask'), asRgb, 'image')] }),
  ImageToMask: (call) => {
    const channel = channelIndex[textInput(call, 'channel', 'red')] ?? 0;
    return { outputs: [mapFrames(imageInput(call, 'image'), (frame) => channelOf(frame, channel), 'mask')] };
  },
  GrowMask: growMask,
  MaskComposite: maskComposite,
  JoinImageWithAlpha: (call) => {
    const alpha = imageInput(call, 'alpha');
    const joined = mapFrames(imageInput(call, 'image'), (frame, index) => {
      const mask = resize(alpha.frame(index % alpha.batch), frame.width, frame.height);
      return drawn(frame.width, frame.height, 4, async () => {
        const [colours, cover] = await Promise.all([asRgb(frame).pixels(), mask.pixels()]);
        return (x, y, to, out) => {
          const pixel = y * frame.width + x;
          for (let c = 0; c < 3; c++) to[out + c] = colours[pixel * 3 + c] ?? 0;
          to[out + 3] = 255 - (cover[pixel] ?? 0);
        };
      });
    });
    return { outputs: [joined] };
  },
  SplitImageWithAlpha: (call) => {
    const image = imageInput(call, 'image');
    const mask = mapFrames(image, (frame) => invert(channelOf(frame, 3)), 'mask');
    return { outputs: [mapFrames(image, asRgb), mask] };
  },
};
