import { eachRow, type Frame } from './frame.ts';
import { cloudGrid, hashText, randomFrom, ridge, smooth } from './noise.ts';
import { blend, type Colour, choosePalette, type Palette } from './palette.ts';
import { drawSubject } from './subject.ts';

/** What a sampler and its prompts decide. The same wish gives the same picture. */
export interface PictureWish {
  prompt: string;
  negative: string;
  seed: string;
  cfg: number;
  /** Place in the batch: its pictures differ. */
  index: number;
}

/** A landscape as it is drawn: all lengths are shares of the picture's height or width. */
export interface Scene {
  palette: Palette;
  horizon: number;
  sun: { x: number; y: number; radius: number };
  /** Hills from the farthest to the nearest: the row of the ridge for every column, in pixels. */
  hills: Float32Array[];
  water: boolean;
  clouds: Float32Array;
  cloudiness: number;
  contrast: number;
  random: () => number;
}

const cloudCells = 96;
const seaWords = /\b(sea|ocean|lake|river|water|beach|boat|ship|island|lighthouse|underwater|coast)\b/;
const landWords = /\b(desert|dunes?|mountains?|forest|meadow|field|city|canyon|mars|castle)\b/;

/** A picture made of nothing but arithmetic: sky, light, clouds, hills, sometimes water and a thing the prompt names. */
export function landscape(width: number, height: number, wish: PictureWish): Frame {
  return {
    width,
    height,
    channels: 3,
    async pixels() {
      const scene = compose(width, height, wish);
      const pixels = new Uint8Array(width * height * 3);
      const drawRow = rowPainter(scene, width, height, pixels);
      await eachRow(height, drawRow);
      drawSubject(scene, wish.prompt, width, height, pixels);
      return pixels;
    },
  };
}

function compose(width: number, height: number, wish: PictureWish): Scene {
  const words = wish.prompt.toLowerCase();
  const random = randomFrom(hashText(`${wish.seed}/${wish.index}/${wish.prompt}/${wish.negative}`));
  const palette = choosePalette(words, random);
  const water = seaWords.test(words) || (!landWords.test(words) && random() < 0.4);
  const horizon = water ? 0.56 + random() * 0.12 : 0.62 + random() * 0.12;
  const sharp = /\b(mountains?|alps|peaks?|canyon|dragon)\b/.test(words) || random() < 0.4;
  const layers = water ? 3 : 5;
  const hills = Array.from({ length: layers }, (_, layer) => {
    const depth = layer / Math.max(1, layers - 1);
    const roughness = sharp ? 0.55 - depth * 0.08 : 0.36;
    const heights = ridge(width, random, (2 + random() * 3) * Math.max(0.6, width / height), sharp ? 7 : 5, roughness);
    const base = water ? horizon - 0.005 * depth : horizon - 0.1 + depth * 0.34;
    const swing = (water ? 0.075 : 0.12) * (1.25 - depth * 0.7) * (sharp ? 1.25 : 0.8);
    return heights.map(
      (value) => (base - Math.max(water ? -0.02 : -1, value - (water ? 0.15 * layer : 0)) * swing) * height,
    );
  });
  return {
    palette,
    horizon,
    sun: { x: 0.18 + random() * 0.64, y: horizon * (0.3 + random() * 0.5), radius: 0.03 + random() * 0.045 },
    hills,
    water,
    clouds: cloudGrid(random, cloudCells, 2.2),
    cloudiness: 0.35 + random() * 0.5,
    contrast: 0.86 + Math.min(20, Math.max(0, wish.cfg)) * 0.02,
    random,
  };
}

/** Paints a row of sky, hills and water. Everything that does not depend on the column is worked out once a row. */
function rowPainter(scene: Scene, width: number, height: number, pixels: Uint8Array): (y: number) => void {
  const { palette, hills, clouds, sun } = scene;
  const skyRow = new Float32Array(width * 3);
  const waterLine = Math.floor(scene.horizon * height);
  const hillColours = hills.map((_, layer) =>
    blend(palette.far, palette.near, (layer + (scene.water ? 0.4 : 0)) / hills.length),
  );
  const sunX = sun.x * width;
  const radius = sun.radius * height;
  const glow = (height * 0.2) ** 2;

  function paintSky(y: number): void {
    const share = y / (scene.horizon * height);
    const base =
      share < 0.55
        ? blend(palette.sky[0], palette.sky[1], share / 0.55)
        : blend(palette.sky[1], palette.sky[2], (share - 0.55) / 0.45);
    const dy = y - sun.y * height;
    const cy = Math.min(0.999, Math.max(0, y / height)) * (cloudCells - 1);
    const cy0 = Math.floor(cy);
    const ty = cy - cy0;
    const veil = scene.cloudiness * smooth(1.05, 0.1, share);
    for (let x = 0; x < width; x++) {
      const cx = (x / width) * (cloudCells - 1);
      const cx0 = cx | 0;
      const tx = cx - cx0;
      const at = cy0 * cloudCells + cx0;
      const a = clouds[at] as number;
      const b = clouds[at + 1] as number;
      const c = clouds[at + cloudCells] as number;
      const d = clouds[at + cloudCells + 1] as number;
      const density = (a + (b - a) * tx) * (1 - ty) + (c + (d - c) * tx) * ty;
      const raw = (density - 0.46) * 4.2;
      const cloud = raw <= 0 ? 0 : raw >= 1 ? veil : raw * raw * (3 - 2 * raw) * veil;
      const dx = x - sunX;
      const distance = dx * dx + dy * dy;
      const lit = 0.75 / (1 + (distance / glow) * 3.2);
      const disc = distance < radius * radius * 1.2 ? Math.min(1, Math.max(0, radius - Math.sqrt(distance) + 0.5)) : 0;
      const shine = disc > lit ? disc : lit;
      for (let i = 0; i < 3; i++) {
        let value = base[i] as number;
        value += ((palette.cloud[i] as number) - value) * cloud;
        skyRow[x * 3 + i] = value + ((palette.light[i] as number) - value) * shine;
      }
    }
  }

  function paintHills(y: number, row: number): void {
    for (let layer = 0; layer < hills.length; layer++) {
      const tops = hills[layer] as Float32Array;
      const colour = hillColours[layer] as Colour;
      const mist = palette.sky[2];
      const haze = 0.5 * (1 - layer / hills.length);
      for (let x = 0; x < width; x++) {
        const below = y - (tops[x] as number);
        if (below < 0) continue;
        const cover = below < 1 ? below : 1;
        const fade = Math.min(0.9, haze * (below / (height * 0.16)));
        for (let i = 0; i < 3; i++) {
          const tone = (colour[i] as number) + ((mist[i] as number) - (colour[i] as number)) * fade;
          const at = row + x * 3 + i;
          pixels[at] = (pixels[at] as number) * (1 - cover) + tone * cover;
        }
      }
    }
  }

  function paintWater(y: number, row: number): void {
    const depth = (y - waterLine) / (height - waterLine);
    const mirrored = Math.max(0, Math.round(waterLine - (y - waterLine) * 0.82));
    const ripple = 1 + depth * 9;
    const dark = 0.86 - depth * 0.4;
    for (let x = 0; x < width; x++) {
      const sway = Math.sin(y * 0.55 + x * 0.021) * ripple + Math.sin(y * 0.19 - x * 0.013) * ripple * 1.6;
      const from = (mirrored * width + Math.min(width - 1, Math.max(0, Math.round(x + sway)))) * 3;
      const glint =
        Math.abs(x - sunX + sway * 2) < width * (0.02 + depth * 0.07) && Math.sin(y * 1.7 + x * 0.05) > 0.35
          ? 0.35 * (1 - depth * 0.5)
          : 0;
      for (let i = 0; i < 3; i++) {
        const seen = (pixels[from + i] as number) * dark + (palette.near[i] as number) * (1 - dark);
        pixels[row + x * 3 + i] = seen + ((palette.light[i] as number) - seen) * glint;
      }
    }
  }

  return (y) => {
    const row = y * width * 3;
    if (scene.water && y > waterLine) {
      paintWater(y, row);
      return;
    }
    paintSky(y);
    for (let i = 0; i < width * 3; i++) {
      const value = 128 + ((skyRow[i] as number) - 128) * scene.contrast;
      pixels[row + i] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
    paintHills(y, row);
  };
}
