/** A repeatable stream of numbers from 0 to 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A 32-bit hash of a text (FNV-1a). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

export function smooth(from: number, to: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
}

/** Heights from about -1 to 1 along a line, sums of ever finer waves. @param roughness 0.4 soft to 0.7 jagged. */
export function ridge(
  length: number,
  random: () => number,
  knots: number,
  octaves: number,
  roughness: number,
): Float32Array {
  const heights = new Float32Array(length);
  let amplitude = 1;
  let count = knots;
  for (let octave = 0; octave < octaves; octave++) {
    const values = Float32Array.from({ length: Math.ceil(count) + 3 }, () => random() * 2 - 1);
    for (let x = 0; x < length; x++) {
      const at = (x / length) * count;
      const i = Math.floor(at);
      const t = at - i;
      const s = t * t * (3 - 2 * t);
      heights[x] = (heights[x] ?? 0) + amplitude * ((values[i] ?? 0) * (1 - s) + (values[i + 1] ?? 0) * s);
    }
    amplitude *= roughness;
    count *= 2.07;
  }
  return heights;
}

/** A plane of random values from 0 to 1, smooth between its cells; x and y are from 0 to 1 and wrap. */
function plane(random: () => number, size: number): (x: number, y: number) => number {
  const values = Float32Array.from({ length: size * size }, random);
  return (x, y) => {
    const u = (x - Math.floor(x)) * size;
    const v = (y - Math.floor(y)) * size;
    const x0 = Math.floor(u) % size;
    const y0 = Math.floor(v) % size;
    const x1 = (x0 + 1) % size;
    const y1 = (y0 + 1) % size;
    const tx = u - Math.floor(u);
    const ty = v - Math.floor(v);
    const sx = tx * tx * (3 - 2 * tx);
    const sy = ty * ty * (3 - 2 * ty);
    const top = (values[y0 * size + x0] ?? 0) * (1 - sx) + (values[y0 * size + x1] ?? 0) * sx;
    const bottom = (values[y1 * size + x0] ?? 0) * (1 - sx) + (values[y1 * size + x1] ?? 0) * sx;
    return top * (1 - sy) + bottom * sy;
  };
}

/** Domain-warped clouds, worked out on a coarse grid of `cells` per side: values about 0 to 1. */
export function cloudGrid(random: () => number, cells: number, stretch: number): Float32Array {
  const coarse = plane(random, 5);
  const middle = plane(random, 11);
  const fine = plane(random, 23);
  const grid = new Float32Array(cells * cells);
  for (let y = 0; y < cells; y++) {
    for (let x = 0; x < cells; x++) {
      const u = x / cells;
      const v = (y / cells) * stretch;
      const warp = coarse(u + 0.37, v) * 0.35;
      grid[y * cells + x] = coarse(u + warp, v) * 0.5 + middle(u + warp, v + warp) * 0.32 + fine(u, v + warp) * 0.18;
    }
  }
  return grid;
}
