import { eachRow, type Frame } from './frame.ts';
import { cloudGrid, hashText, randomFrom, ridge, smooth } from './noise.ts';
import { blend, type Colour, choosePalette, withContrast } from './palette.ts';
import type { Scene } from './scene.ts';
import { drawSubject } from './subject.ts';

/** What a sampler and its prompts decide. The same spec gives the same picture. */
export interface PictureSpec {
  prompt: string;
  negative: string;
  seed: string;
  cfg: number;
  /** Place in the batch: its pictures differ. */
  index: number;
}

const cloudCells = 96;
const seaWords = /\b(sea|ocean|lake|river|water|beach|boat|ship|island|lighthouse|underwater|coast)\b/;
const landWords = /\b(desert|dunes?|mountains?|forest|meadow|field|city|canyon|mars|castle)\b/;

/** A computed picture: sky, light, clouds, hills, sometimes water, and a subject that the prompt names. */
export function landscape(width: number, height: number, spec: PictureSpec): Frame {
  return {
    width,
    height,
    channels: 3,
    async pixels() {
      const scene = compose(width, height, spec);
      const pixels = new Uint8Array(width * height * 3);
      const drawRow = rowPainter(scene, width, height, pixels);
      await eachRow(height, drawRow);
      drawSubject(scene, spec.prompt, width, height, pixels);
      return pixels;
    },
  };
}

function compose(width: number, height: number, spec: PictureSpec): Scene {
  const words = spec.prompt.toLowerCase();
  const random = randomFrom(hashText(`${spec.seed}/${spec.index}/${spec.prompt}/${spec.negative}`));
  // A higher cfg follows the prompt more closely, which here shows as contrast.
  const palette = withContrast(choosePalette(words, random), 0.86 + Math.min(20, Math.max(0, spec.cfg)) * 0.02);
  const water = seaWords.test(words) || (!landWords.test(words) && random() < 0.4);
  const horizon = water ? 0.56 + random() * 0.12 : 0.62 + random() * 0.12;
  const sharp = /\b(mountains?|alps|peaks?|canyon|dragon)\b/.test(words) || random() < 0.4;
  const layers = water ? 3 : 5;
  const hills = Array.from({ length: layers }, (_, layer) => {
    const depth = layer / Math.max(1, layers - 1);
    const roughness = sharp ? 0.55 - depth * 0.08 : 0.36;
    const heights = ridge(width, random, (2 + random() * 3) * Math.max(0.6, width / height), sharp ? 7 : 5, roughness);
    const base = water ? horizon + 0.006 : horizon - 0.1 + depth * 0.34;
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
    random,
  };
}

/** A hill: its ridge by column, its colour, and how fast mist hides it, in shares per pixel. */
interface Layer {
  tops: Float32Array;
  colour: Colour;
  haze: number;
}

/** Paints rows of sky, hills and water. It is the hot loop, so what does not depend on the pixel is computed before. */
function rowPainter(scene: Scene, width: number, height: number, bytes: Uint8Array): (y: number) => void {
  const { clouds, hills, palette, sun } = scene;
  const pixels = new Uint8ClampedArray(bytes.buffer);
  const waterLine = Math.floor(scene.horizon * height);
  const covering = new Int8Array(width);
  const layers = hills.map(
    (tops, layer): Layer => ({
      tops,
      colour: blend(palette.far, palette.near, (layer + (scene.water ? 0.4 : 0)) / hills.length),
      haze: (0.5 * (1 - layer / hills.length)) / (height * 0.16),
    }),
  );
  const [mistR, mistG, mistB] = palette.sky[2];
  const sunX = sun.x * width;
  const sunY = sun.y * height;
  const radius = sun.radius * height;
  const disc2 = radius * radius * 1.2;
  const glow = (height * 0.2) ** 2 / 3.2;
  const cellScale = (cloudCells - 1) / width;

  /** Sky first, then hills from the nearest that covers the pixel, so that only visible parts are computed. */
  function land(y: number, row: number): void {
    const share = y / (scene.horizon * height);
    const [top, middle, low] = palette.sky;
    const [baseR, baseG, baseB] =
      share < 0.55 ? blend(top, middle, share / 0.55) : blend(middle, low, (share - 0.55) / 0.45);
    const [cloudR, cloudG, cloudB] = palette.cloud;
    const [lightR, lightG, lightB] = palette.light;
    const dy2 = (y - sunY) ** 2;
    const cellY = Math.min(0.999, y / height) * (cloudCells - 1);
    const ty = cellY - Math.floor(cellY);
    const cellRow = Math.floor(cellY) * cloudCells;
    const veil = scene.cloudiness * smooth(1.05, 0.1, share);
    // The covering hill of every column: the nearest whose ridge is at least a pixel above.
    for (let x = 0; x < width; x++) covering[x] = -1;
    for (let layer = 0; layer < layers.length; layer++) {
      const { tops } = layers[layer] as Layer;
      for (let x = 0; x < width; x++) if (y - (tops[x] as number) >= 1) covering[x] = layer;
    }
    for (let x = 0; x < width; x++) {
      if ((covering[x] as number) >= 0) continue;
      const at = row + x * 3;
      const cellX = x * cellScale;
      const cell = cellX | 0;
      const tx = cellX - cell;
      const i = cellRow + cell;
      const upper = (clouds[i] as number) * (1 - tx) + (clouds[i + 1] as number) * tx;
      const lower = (clouds[i + cloudCells] as number) * (1 - tx) + (clouds[i + cloudCells + 1] as number) * tx;
      const raw = (upper * (1 - ty) + lower * ty - 0.46) * 4.2;
      const cloud = raw <= 0 ? 0 : raw >= 1 ? veil : raw * raw * (3 - 2 * raw) * veil;
      const distance2 = (x - sunX) * (x - sunX) + dy2;
      let shine = (0.75 * glow) / (glow + distance2);
      if (distance2 < disc2) shine = Math.max(shine, Math.min(1, radius - Math.sqrt(distance2) + 0.5));
      const r = baseR + (cloudR - baseR) * cloud;
      const g = baseG + (cloudG - baseG) * cloud;
      const b = baseB + (cloudB - baseB) * cloud;
      pixels[at] = r + (lightR - r) * shine;
      pixels[at + 1] = g + (lightG - g) * shine;
      pixels[at + 2] = b + (lightB - b) * shine;
    }
    for (let layer = 0; layer < layers.length; layer++) hill(layer, y, row);
  }

  /** A hill in a row: the deeper below its ridge, the more mist. Its ridge is drawn with half-covered pixels. */
  function hill(layer: number, y: number, row: number): void {
    const { tops, colour, haze } = layers[layer] as Layer;
    const [red, green, blue] = colour;
    for (let x = 0; x < width; x++) {
      const below = y - (tops[x] as number);
      if (below <= 0 || (covering[x] as number) > layer) continue;
      const at = row + x * 3;
      const fade = Math.min(0.9, haze * below);
      const r = red + (mistR - red) * fade;
      const g = green + (mistG - green) * fade;
      const b = blue + (mistB - blue) * fade;
      const cover = Math.min(1, below);
      pixels[at] = (pixels[at] as number) * (1 - cover) + r * cover;
      pixels[at + 1] = (pixels[at + 1] as number) * (1 - cover) + g * cover;
      pixels[at + 2] = (pixels[at + 2] as number) * (1 - cover) + b * cover;
    }
  }

  /** The mirrored picture above, swaying with the waves, with the light's glitter. */
  function water(y: number, row: number): void {
    const depth = (y - waterLine) / (height - waterLine);
    const mirrored = Math.max(0, Math.round(waterLine - (y - waterLine) * 0.82)) * width;
    const ripple = (1 + depth * 9) * (height / 512);
    const clear = 0.86 - depth * 0.4;
    const [nearR, nearG, nearB] = palette.near;
    const [lightR, lightG, lightB] = palette.light;
    const beam = width * (0.02 + depth * 0.07);
    const fine = 512 / height;
    for (let x = 0; x < width; x++) {
      const wave = Math.sin((y * 0.55 + x * 0.021) * fine) + Math.sin((y * 0.19 - x * 0.013) * fine) * 1.6;
      const sway = wave * ripple;
      const from = (mirrored + Math.min(width - 1, Math.max(0, Math.round(x + sway)))) * 3;
      const off = Math.abs(x - sunX + sway * 2);
      const glint = off < beam && Math.sin((y * 1.7 + x * 0.05) * fine) > 0.35 ? 0.35 * (1 - depth * 0.5) : 0;
      const r = (pixels[from] as number) * clear + nearR * (1 - clear);
      const g = (pixels[from + 1] as number) * clear + nearG * (1 - clear);
      const b = (pixels[from + 2] as number) * clear + nearB * (1 - clear);
      const at = row + x * 3;
      pixels[at] = r + (lightR - r) * glint;
      pixels[at + 1] = g + (lightG - g) * glint;
      pixels[at + 2] = b + (lightB - b) * glint;
    }
  }

  return (y) => {
    const row = y * width * 3;
    if (scene.water && y > waterLine) water(y, row);
    else land(y, row);
  };
}
