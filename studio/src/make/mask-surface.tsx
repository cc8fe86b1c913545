import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react';
import { draw, drawAll } from './draw.ts';
import styles from './mask-surface.module.css';
import { extended, type Point, type Stroke } from './strokes.ts';

interface Props {
  src: string;
  name: string;
  tool: 'paint' | 'erase';
  /** Width of the brush, as a share of the longer side of the picture. */
  brushShare: number;
  strokes: readonly Stroke[];
  /** Of the picture in its own pixels; null until it is loaded. */
  size: { width: number; height: number } | null;
  onSize(size: { width: number; height: number }): void;
  onStroke(stroke: Stroke): void;
  onUndo(): void;
  /** The brush is to be wider or narrower by so many percent. */
  onBrush(by: number): void;
}

/** Of what is painted, where it is seen through. */
const COLOR = '#e0127a';

const ARROWS: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/** A picture with what is painted on it: by mouse, pen, finger, or the keys. */
export function MaskSurface(props: Props) {
  const { src, name, tool, brushShare, strokes, size, onSize, onStroke, onUndo, onBrush } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const underWay = useRef<Stroke | null>(null);
  const [brush, setBrush] = useState<Point | null>(null);
  const width = size ? Math.max(size.width, size.height) * brushShare : 0;

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (context && size) drawAll(context, strokes, COLOR);
  }, [strokes, size]);

  function pointOf({ clientX, clientY }: { clientX: number; clientY: number }): Point {
    const box = canvas.current?.getBoundingClientRect();
    if (!box || !size) return { x: 0, y: 0 };
    return {
      x: ((clientX - box.left) / box.width) * size.width,
      y: ((clientY - box.top) / box.height) * size.height,
    };
  }
  function begin(point: Point) {
    underWay.current = { kind: tool, size: width, points: [point] };
    show(underWay.current);
  }
  function goOn(point: Point) {
    const stroke = underWay.current;
    if (!stroke || !('points' in stroke)) return;
    show({ ...stroke, points: [...stroke.points.slice(-1), point] });
    underWay.current = extended(stroke, point);
  }
  function end() {
    if (underWay.current) onStroke(underWay.current);
    underWay.current = null;
  }
  function show(stroke: Stroke) {
    const context = canvas.current?.getContext('2d');
    if (context) draw(context, stroke, COLOR);
  }

  function onPointerMove(event: PointerEvent) {
    const { nativeEvent } = event;
    const passed = nativeEvent.getCoalescedEvents();
    for (const each of passed.length > 0 ? passed : [nativeEvent]) goOn(pointOf(each));
    setBrush(pointOf(event));
  }

  function onKeyDown(event: KeyboardEvent) {
    const direction = ARROWS[event.key];
    if (direction && size) {
      const step = width * (event.shiftKey ? 1 : 0.25);
      const from = brush ?? { x: size.width / 2, y: size.height / 2 };
      const next = {
        x: Math.min(size.width, Math.max(0, from.x + direction.x * step)),
        y: Math.min(size.height, Math.max(0, from.y + direction.y * step)),
      };
      goOn(next);
      setBrush(next);
    } else if (event.key === ' ' && size) {
      if (!underWay.current) begin(brush ?? { x: size.width / 2, y: size.height / 2 });
    } else if (event.key === '[' || event.key === ']') onBrush(event.key === '[' ? -1 : 1);
    else if (event.key === 'z' && (event.ctrlKey || event.metaKey)) onUndo();
    else return;
    event.preventDefault();
  }

  return (
    <div className={styles.surface}>
      <div className={styles.picture}>
        <img
          src={src}
          alt={name}
          draggable={false}
          onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
            onSize({ width: naturalWidth, height: naturalHeight })
          }
        />
        {size && (
          // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: arrow keys paint, so they must get here.
          <canvas
            ref={canvas}
            {...size}
            className={styles.canvas}
            tabIndex={0}
            role="application"
            aria-label="Mask. Arrow keys move the brush, space held down paints, brackets change its size."
            onPointerDown={(event) => {
              event.currentTarget.setPointerCapture(event.pointerId);
              begin(pointOf(event));
            }}
            onPointerMove={onPointerMove}
            onPointerUp={end}
            onPointerCancel={end}
            onPointerLeave={() => setBrush(null)}
            onKeyDown={onKeyDown}
            onKeyUp={({ key }) => key === ' ' && end()}
            onBlur={end}
          />
        )}
        {size && brush && (
          <span
            className={styles.brush}
            style={{
              left: `${(brush.x / size.width) * 100}%`,
              top: `${(brush.y / size.height) * 100}%`,
              width: `${(width / size.width) * 100}%`,
            }}
          />
        )}
      </div>
    </div>
  );
}
