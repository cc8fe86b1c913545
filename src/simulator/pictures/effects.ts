import { drawn, type Frame, resize } from './frame.ts';
import { hashText, randomFrom } from './noise.ts';

/** Blurred frames and what they were made of: a blur of a blur is one wider blur, drawn once. */
const blurred = new WeakMap<Frame, { source: Frame; radius: number }>();

/** A soft blur, by way of a smaller picture. Cheap at any radius. */
export function blur(frame: Frame, radius: number): Frame {
  if (frame.solid) return frame;
  const before = blurred.get(frame);
  const source = before?.source ?? frame;
  const wide = Math.hypot(radius, before?.radius ?? 0);
  const width = Math.max(2, Math.round(frame.width / (wide * 0.7 + 1)));
  const height = Math.max(2, Math.round(frame.height / (wide * 0.7 + 1)));
  const result = resize(resize(source, width, height), frame.width, frame.height);
  blurred.set(result, { source, radius: wide });
  return result;
}

/** Adds noise. @param strength 0 to 1. */
export function grain(frame: Frame, seed: string, strength: number): Frame {
  const { channels } = frame;
  return drawn(frame.width, frame.height, channels, async () => {
    const from = await frame.pixels();
    const random = randomFrom(hashText(seed));
    return (_x, _y, to, out) => {
      for (let c = 0; c < channels; c++) {
        const value = (from[out + c] ?? 0) + (random() + random() - 1) * 180 * strength;
        to[out + c] = Math.min(255, Math.max(0, value));
      }
    };
  });
}
