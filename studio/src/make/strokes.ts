export interface Point {
  x: number;
  y: number;
}

/** One step of painting, in pixels of the picture. */
export type Stroke =
  | { kind: 'paint' | 'erase'; size: number; points: readonly Point[] }
  | { kind: 'fill' | 'clear' | 'invert' };

/** What is painted so far; undone strokes are gone when another one is made. */
export interface Painting {
  done: readonly Stroke[];
  undone: readonly Stroke[];
}

export const BLANK: Painting = { done: [], undone: [] };

export const withStroke = ({ done }: Painting, stroke: Stroke): Painting => ({ done: [...done, stroke], undone: [] });

export function undo({ done, undone }: Painting): Painting {
  const last = done.at(-1);
  return last ? { done: done.slice(0, -1), undone: [last, ...undone] } : { done, undone };
}

export function redo({ done, undone }: Painting): Painting {
  const [next, ...rest] = undone;
  return next ? { done: [...done, next], undone: rest } : { done, undone };
}

/** Adds a point to the stroke under way. */
export function extended(stroke: Stroke, point: Point): Stroke {
  return 'points' in stroke ? { ...stroke, points: [...stroke.points, point] } : stroke;
}
