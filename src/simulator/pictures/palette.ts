export type Colour = readonly [red: number, green: number, blue: number];

/** The colours of a picture: sky from the zenith to the horizon, and land from the farthest hill to the nearest. */
export interface Palette {
  sky: readonly [Colour, Colour, Colour];
  light: Colour;
  cloud: Colour;
  far: Colour;
  near: Colour;
  /** 0: none, 1: many. */
  stars: number;
  words: RegExp;
}

const palettes: readonly Palette[] = [
  {
    words: /\b(dusk|sunset|evening|twilight|golden|warm)\b/,
    sky: [
      [44, 36, 92],
      [190, 84, 116],
      [255, 186, 120],
    ],
    light: [255, 226, 160],
    cloud: [255, 148, 118],
    far: [150, 88, 126],
    near: [26, 18, 44],
    stars: 0.15,
  },
  {
    words: /\b(dawn|morning|sunrise|spring|pastel|soft)\b/,
    sky: [
      [112, 156, 214],
      [202, 196, 226],
      [255, 222, 204],
    ],
    light: [255, 244, 214],
    cloud: [255, 236, 236],
    far: [170, 176, 206],
    near: [48, 76, 88],
    stars: 0,
  },
  {
    words: /\b(night|moon|midnight|stars?|galaxy|space|dark|aurora)\b/,
    sky: [
      [6, 8, 26],
      [20, 30, 74],
      [62, 74, 132],
    ],
    light: [236, 240, 255],
    cloud: [74, 92, 150],
    far: [38, 48, 92],
    near: [6, 8, 20],
    stars: 1,
  },
  {
    words: /\b(day|noon|summer|bright|sunny|blue|field|meadow|green|forest|jungle)\b/,
    sky: [
      [38, 112, 200],
      [112, 178, 232],
      [214, 234, 240],
    ],
    light: [255, 252, 232],
    cloud: [255, 255, 255],
    far: [122, 168, 178],
    near: [26, 74, 48],
    stars: 0,
  },
  {
    words: /\b(winter|snow|ice|frozen|arctic|cold|fog|mist)\b/,
    sky: [
      [104, 132, 168],
      [172, 192, 212],
      [232, 236, 240],
    ],
    light: [255, 250, 240],
    cloud: [240, 244, 250],
    far: [182, 196, 214],
    near: [64, 84, 108],
    stars: 0,
  },
  {
    words: /\b(desert|sand|dunes?|canyon|mars|autumn|fall|rust|dragon|fire)\b/,
    sky: [
      [92, 122, 158],
      [222, 178, 142],
      [250, 214, 160],
    ],
    light: [255, 240, 196],
    cloud: [246, 206, 170],
    far: [212, 148, 108],
    near: [112, 48, 30],
    stars: 0,
  },
  {
    words: /\b(neon|cyberpunk|synthwave|city|robot|alien|purple)\b/,
    sky: [
      [18, 8, 54],
      [116, 24, 128],
      [255, 92, 148],
    ],
    light: [255, 214, 120],
    cloud: [188, 60, 176],
    far: [92, 28, 120],
    near: [10, 6, 32],
    stars: 0.5,
  },
  {
    words: /\b(storm|rain|sea|ocean|underwater|teal|lake|river)\b/,
    sky: [
      [24, 58, 78],
      [70, 126, 140],
      [196, 214, 198],
    ],
    light: [250, 246, 216],
    cloud: [150, 184, 188],
    far: [92, 138, 146],
    near: [12, 36, 48],
    stars: 0,
  },
];

/** A palette that fits the prompt's words, else any. */
export function choosePalette(prompt: string, random: () => number): Palette {
  const lower = prompt.toLowerCase();
  const matching = palettes.filter((palette) => palette.words.test(lower));
  const from = matching.length > 0 ? matching : palettes;
  const chosen = from[Math.floor(random() * from.length)] ?? palettes[0];
  if (!chosen) throw new RangeError('there are no palettes');
  return chosen;
}

export function blend(a: Colour, b: Colour, share: number): [number, number, number] {
  const t = Math.min(1, Math.max(0, share));
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

/** Colours farther from (above 1) or nearer to (below 1) the middle grey. */
export function withContrast(palette: Palette, contrast: number): Palette {
  const part = (value: number): number => Math.min(255, Math.max(0, 128 + (value - 128) * contrast));
  const change = (colour: Colour): Colour => [part(colour[0]), part(colour[1]), part(colour[2])];
  const [top, middle, low] = palette.sky;
  return { ...palette, sky: [change(top), change(middle), change(low)], cloud: change(palette.cloud) };
}
