import type { Stroke } from './strokes.ts';

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

const OPERATIONS: Record<Stroke['kind'], GlobalCompositeOperation> = {
  paint: 'source-over',
  fill: 'source-over',
  erase: 'destination-out',
  clear: 'destination-out',
  // What is painted becomes empty, and what is empty painted.
  invert: 'xor',
};

/** Draws a stroke over those before it; what is painted is opaque, whatever its colour. */
export function draw(context: Context, stroke: Stroke, color: string): void {
  const { width, height } = context.canvas;
  context.fillStyle = color;
  context.strokeStyle = color;
  context.globalCompositeOperation = OPERATIONS[stroke.kind];
  if (!('points' in stroke)) {
    context.fillRect(0, 0, width, height);
    return;
  }
  const [first, ...rest] = stroke.points;
  if (!first) return;
  context.lineWidth = stroke.size;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.beginPath();
  context.moveTo(first.x, first.y);
  // A line of no length is a dot.
  for (const { x, y } of rest.length > 0 ? rest : [first]) context.lineTo(x, y);
  context.stroke();
}

export function drawAll(context: Context, strokes: readonly Stroke[], color: string): void {
  context.globalCompositeOperation = 'source-over';
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  for (const stroke of strokes) draw(context, stroke, color);
}

/** How far each pixel is painted, 0 to 255. */
export function coverage(context: Context): Uint8Array {
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  return Uint8Array.from({ length: width * height }, (_, i) => data[i * 4 + 3] ?? 0);
}
