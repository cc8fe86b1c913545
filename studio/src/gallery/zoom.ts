/** How a picture is looked at: `scale` 1 is as large as fits; `x` and `y` move its middle, in pixels of the screen. */
export interface View {
  scale: number;
  x: number;
  y: number;
}

export const FITTING: View = { scale: 1, x: 0, y: 0 };

const MAX_SCALE = 16;

/** A point or size in pixels of the screen; points are from the middle of the stage. */
export interface Point {
  x: number;
  y: number;
}

/** What is under `point` stays there. `size`: that of the picture where it fits. */
export function zoomed(view: View, factor: number, point: Point, size: Point): View {
  const scale = Math.min(MAX_SCALE, Math.max(1, view.scale * factor));
  const by = scale / view.scale;
  return within({ scale, x: point.x - (point.x - view.x) * by, y: point.y - (point.y - view.y) * by }, size);
}

export function moved(view: View, by: Point, size: Point): View {
  return within({ ...view, x: view.x + by.x, y: view.y + by.y }, size);
}

/** No further than until an edge of the picture is where it was when it fitted. */
function within({ scale, x, y }: View, size: Point): View {
  const room = (length: number) => (length * (scale - 1)) / 2;
  const clamp = (value: number, most: number) => Math.min(most, Math.max(-most, value)) + 0;
  return { scale, x: clamp(x, room(size.x)), y: clamp(y, room(size.y)) };
}
