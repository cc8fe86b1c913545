import { type KeyboardEvent, type PointerEvent, type RefObject, useEffect, useRef, useState } from 'react';
import { FITTING, moved, type Point, type View, zoomed } from './zoom.ts';

const KEY_STEP = 60;
const KEY_FACTOR = 1.4;
/** What a double click zooms to. */
const CLOSE = 3;

/**
 * Zoom and pan of a stage by wheel, pinch, drag, double click and keys. `size`: pixels of the picture where it fits.
 * Give `handlers` to the stage, and draw the picture by `view`.
 */
export function useZoom(stage: RefObject<HTMLElement | null>, size: Point) {
  const [view, setView] = useState<View>(FITTING);
  const pointers = useRef(new Map<number, Point>());

  /** From the middle of the stage. */
  function pointOf({ clientX, clientY }: { clientX: number; clientY: number }): Point {
    const box = stage.current?.getBoundingClientRect();
    return box ? { x: clientX - box.left - box.width / 2, y: clientY - box.top - box.height / 2 } : { x: 0, y: 0 };
  }
  const zoom = (factor: number, point: Point = { x: 0, y: 0 }) => setView((now) => zoomed(now, factor, point, size));

  useEffect(() => {
    const element = stage.current;
    // React listens to the wheel passively, and the page would scroll as well.
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 400), pointOf(event));
    };
    element?.addEventListener('wheel', onWheel, { passive: false });
    return () => element?.removeEventListener('wheel', onWheel);
  });

  function onPointerDown(event: PointerEvent<HTMLElement>) {
    if (event.button !== 0) return;
    pointers.current.set(event.pointerId, pointOf(event));
    event.currentTarget.setPointerCapture(event.pointerId);
  }
  function onPointerMove(event: PointerEvent<HTMLElement>) {
    const before = pointers.current.get(event.pointerId);
    if (!before) return;
    const point = pointOf(event);
    const [other] = [...pointers.current].filter(([id]) => id !== event.pointerId).map(([, each]) => each);
    pointers.current.set(event.pointerId, point);
    if (other) {
      const apart = (each: Point) => Math.hypot(each.x - other.x, each.y - other.y) || 1;
      zoom(apart(point) / apart(before), { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 });
    } else setView((now) => moved(now, { x: point.x - before.x, y: point.y - before.y }, size));
  }
  const onPointerUp = (event: PointerEvent<HTMLElement>) => void pointers.current.delete(event.pointerId);

  function onKeyDown(event: KeyboardEvent) {
    const pan = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (event.key === '+' || event.key === '=') zoom(KEY_FACTOR);
    else if (event.key === '-') zoom(1 / KEY_FACTOR);
    else if (event.key === '0') setView(FITTING);
    else if (pan && view.scale > 1)
      setView((now) => moved(now, { x: (pan[0] ?? 0) * KEY_STEP, y: (pan[1] ?? 0) * KEY_STEP }, size));
    else return;
    // So that arrows move what is zoomed, and do not lead to the next result.
    event.preventDefault();
    event.stopPropagation();
  }
  return {
    view,
    zoomIn: () => zoom(KEY_FACTOR),
    zoomOut: () => zoom(1 / KEY_FACTOR),
    reset: () => setView(FITTING),
    handlers: {
      ...{ onPointerDown, onPointerMove, onPointerUp, onPointerCancel: onPointerUp, onKeyDown },
      onDoubleClick: (event: { clientX: number; clientY: number }) =>
        view.scale > 1 ? setView(FITTING) : zoom(CLOSE, pointOf(event)),
    },
  };
}

export type Zoom = ReturnType<typeof useZoom>;

/** Style of a picture that is looked at so. */
export const styleOf = ({ scale, x, y }: View) => ({ transform: `translate(${x}px, ${y}px) scale(${scale})` });
