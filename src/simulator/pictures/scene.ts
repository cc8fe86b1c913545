import type { Palette } from './palette.ts';

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
  random: () => number;
}
