import { smooth } from './noise.ts';
import { blend, type Colour } from './palette.ts';
import type { Scene } from './scene.ts';

/** Where shapes are drawn: lengths in units of the picture's height, y downwards. */
interface Canvas {
  width: number;
  height: number;
  /** Fills a shape with soft edges. `inside` is positive within it, and gives the distance to its edge in units. */
  fill(
    left: number,
    top: number,
    right: number,
    bottom: number,
    colour: Colour,
    inside: (x: number, y: number) => number,
    share?: number,
  ): void;
  /** Light around a point, fading out at the radius. */
  glow(x: number, y: number, radius: number, colour: Colour): void;
}

/** Draws the stars, and the first subject that the prompt names and that can be drawn here. */
export function drawSubject(scene: Scene, prompt: string, width: number, height: number, pixels: Uint8Array): void {
  const canvas = createCanvas(width, height, pixels);
  const words = prompt.toLowerCase();
  if (scene.palette.stars > 0) drawStars(scene, canvas);
  if (/\blighthouse\b/.test(words)) drawLighthouse(scene, canvas);
  else if (/\b(boat|ship|sail)/.test(words)) drawBoat(scene, canvas);
  else if (/\b(city|skyline|cyberpunk|tower)/.test(words)) drawCity(scene, canvas);
  else if (/\b(tree|forest|jungle|oak|wood)/.test(words)) drawTrees(scene, canvas, 26);
  else if (!scene.water && scene.random() < 0.6) drawTrees(scene, canvas, 7);
  else if (scene.water && scene.random() < 0.5) drawBoat(scene, canvas);
}

function createCanvas(width: number, height: number, pixels: Uint8Array): Canvas {
  return {
    width: width / height,
    height: 1,
    fill(left, top, right, bottom, colour, inside, share = 1) {
      const x1 = Math.min(width - 1, Math.ceil(right * height));
      const y1 = Math.min(height - 1, Math.ceil(bottom * height));
      for (let y = Math.max(0, Math.floor(top * height)); y <= y1; y++) {
        for (let x = Math.max(0, Math.floor(left * height)); x <= x1; x++) {
          const cover = Math.min(1, Math.max(0, inside((x + 0.5) / height, (y + 0.5) / height) * height + 0.5)) * share;
          if (cover <= 0) continue;
          const at = (y * width + x) * 3;
          for (let i = 0; i < 3; i++) pixels[at + i] = (pixels[at + i] ?? 0) * (1 - cover) + (colour[i] ?? 0) * cover;
        }
      }
    },
    glow(x, y, radius, colour) {
      const reach = Math.ceil(radius * height);
      const centreX = Math.round(x * height);
      const centreY = Math.round(y * height);
      for (let v = Math.max(0, centreY - reach); v < Math.min(height, centreY + reach); v++) {
        for (let u = Math.max(0, centreX - reach); u < Math.min(width, centreX + reach); u++) {
          const light = 0.75 * (1 - smooth(0, reach, Math.hypot(u - centreX, v - centreY))) ** 2;
          const at = (v * width + u) * 3;
          for (let i = 0; i < 3; i++) pixels[at + i] = (pixels[at + i] ?? 0) * (1 - light) + (colour[i] ?? 0) * light;
        }
      }
    },
  };
}

function drawStars(scene: Scene, canvas: Canvas): void {
  const count = Math.round(170 * scene.palette.stars);
  for (let i = 0; i < count; i++) {
    const x = scene.random() * canvas.width;
    const y = scene.random() ** 1.5 * scene.horizon * 0.72;
    const size = 0.0009 + scene.random() ** 3 * 0.0024;
    canvas.fill(
      x - 0.005,
      y - 0.005,
      x + 0.005,
      y + 0.005,
      [255, 255, 245],
      (u, v) => size - Math.hypot(u - x, v - y),
      0.4 + scene.random() * 0.6,
    );
  }
}

/** A box that narrows upwards, from its foot. */
function taper(x: number, foot: number, rise: number, below: number, above: number): (u: number, v: number) => number {
  return (u, v) => {
    const up = (foot - v) / rise;
    return Math.min(up * rise, (1 - up) * rise, below + (above - below) * up - Math.abs(u - x));
  };
}

function drawLighthouse(scene: Scene, canvas: Canvas): void {
  const x = canvas.width * (scene.sun.x > 0.5 ? 0.24 : 0.76);
  const foot = scene.horizon + 0.05;
  const rise = 0.36;
  const top = foot - rise;
  const stone = blend(scene.palette.near, [0, 0, 0], 0.25);
  const white = blend([244, 238, 228], scene.palette.sky[2], 0.25);
  canvas.fill(x - 0.4, foot - 0.1, x + 0.4, foot + 0.14, stone, (u, v) => {
    const bumps = 0.012 * Math.sin(u * 61) + 0.008 * Math.sin(u * 127 + 2);
    return Math.min(
      v - (foot - 0.035 + bumps) - ((u - x) / 0.27) ** 2 * 0.09,
      foot + 0.07 - ((u - x) / 0.3) ** 2 * 0.05 - v,
    );
  });
  for (const side of [-1, 1]) {
    const [left, right] = side < 0 ? [0, x] : [x, canvas.width];
    canvas.fill(
      left,
      top - 0.16,
      right,
      top + 0.3,
      scene.palette.light,
      (u, v) => {
        const along = (u - x) * side;
        return (0.016 + along * 0.13 - Math.abs(v - (top - 0.03) - along * 0.05)) * 0.5;
      },
      0.2,
    );
  }
  const tower = taper(x, foot, rise, 0.042, 0.026);
  canvas.fill(x - 0.05, top, x + 0.05, foot, white, tower);
  for (const band of [0.12, 0.42, 0.72]) {
    const y = foot - rise * band;
    canvas.fill(x - 0.05, y - 0.05, x + 0.05, y, [178, 52, 44], (u, v) => Math.min(tower(u, v), y - v, v - (y - 0.05)));
  }
  canvas.fill(x - 0.05, top, x + 0.05, foot, scene.palette.near, (u, v) => Math.min(tower(u, v), u - x - 0.008), 0.32);
  canvas.fill(x - 0.05, top - 0.012, x + 0.05, top + 0.004, stone, taper(x, top + 0.004, 0.014, 0.04, 0.04));
  canvas.fill(x - 0.03, top - 0.05, x + 0.03, top - 0.008, [255, 236, 168], taper(x, top - 0.01, 0.04, 0.02, 0.02));
  canvas.fill(x - 0.04, top - 0.085, x + 0.04, top - 0.045, [150, 40, 38], taper(x, top - 0.048, 0.036, 0.03, 0.002));
  canvas.glow(x, top - 0.03, 0.13, scene.palette.light);
}

function drawBoat(scene: Scene, canvas: Canvas): void {
  const x = canvas.width * (0.3 + scene.random() * 0.4);
  const y = scene.horizon + 0.06 + scene.random() * 0.1;
  const size = 0.07 + (y - scene.horizon) * 0.4;
  const hull = blend(scene.palette.near, [20, 12, 10], 0.5);
  const sail = blend([250, 244, 232], scene.palette.sky[2], 0.35);
  canvas.fill(x - size, y - 0.2, x + size, y + size * 0.3, hull, (u, v) => {
    const down = (v - y) / (size * 0.24);
    return Math.min(down, 1 - down) * 0.02 + Math.min(0, size * (0.8 - down * 0.35) - Math.abs(u - x));
  });
  const mast = size * 1.7;
  canvas.fill(x, y - mast, x + size, y, sail, (u, v) => {
    const up = (y - 0.006 - v) / mast;
    return Math.min(up * 0.1, u - x - 0.004, (1 - up) * size * 0.72 - (u - x));
  });
  canvas.fill(x - size, y - mast, x, y, blend(sail, scene.palette.far, 0.3), (u, v) => {
    const up = (y - 0.006 - v) / (mast * 0.84);
    return Math.min(up * 0.1, x - 0.004 - u, (1 - up) * size * 0.5 - (x - u));
  });
}

function drawTrees(scene: Scene, canvas: Canvas, count: number): void {
  const ground = scene.hills.at(-1);
  if (!ground) return;
  const colour = blend(scene.palette.near, [0, 0, 0], 0.35);
  for (let i = 0; i < count; i++) {
    const at = scene.random();
    const x = at * canvas.width;
    const foot = Math.min(
      1.02,
      (ground[Math.floor(at * (ground.length - 1))] ?? 0) / (ground.length / canvas.width) + 0.02,
    );
    const rise = 0.07 + scene.random() * (count > 10 ? 0.16 : 0.1);
    const spread = rise * 0.24;
    canvas.fill(x - spread, foot - rise, x + spread, foot, colour, (u, v) => {
      const up = (foot - v) / rise;
      if (up < 0.1) return 0.05 * rise - Math.abs(u - x);
      const tier = (up * 5) % 1;
      return spread * (1.06 - up) * (1 - 0.42 * tier) - Math.abs(u - x);
    });
  }
}

function drawCity(scene: Scene, canvas: Canvas): void {
  const base = scene.water ? scene.horizon : 1;
  for (const depth of [0, 1, 2]) {
    const colour = blend(scene.palette.far, blend(scene.palette.near, [0, 0, 0], 0.3), depth / 2);
    for (let x = -0.02; x < canvas.width; ) {
      const wide = 0.03 + scene.random() * 0.06;
      const centre = Math.abs(x / canvas.width - 0.5);
      const top =
        scene.horizon -
        (0.34 - depth * 0.1) * (0.35 + scene.random() * 0.8) * smooth(0.75, 0.05, centre) +
        depth * 0.05;
      const left = x;
      canvas.fill(left, top, left + wide, base, colour, (u, v) => Math.min(u - left, left + wide - u, v - top));
      if (depth > 0) drawWindows(scene, canvas, left, top, wide, Math.min(base, scene.horizon + 0.15));
      x += wide + scene.random() * 0.012;
    }
  }
}

function drawWindows(scene: Scene, canvas: Canvas, left: number, top: number, wide: number, base: number): void {
  for (let y = top + 0.012; y < base - 0.012; y += 0.016) {
    for (let x = left + 0.007; x < left + wide - 0.008; x += 0.012) {
      if (scene.random() > 0.3) continue;
      const [u0, v0] = [x, y];
      canvas.fill(
        u0,
        v0,
        u0 + 0.005,
        v0 + 0.008,
        scene.palette.light,
        (u, v) => Math.min(u - u0, u0 + 0.005 - u, v - v0, v0 + 0.008 - v),
        0.85,
      );
    }
  }
}
