import type { ImageArtifact } from '@comfygate/client';
import { Maximize, ZoomIn, ZoomOut } from 'lucide-react';
import { type RefObject, useLayoutEffect, useRef, useState } from 'react';
import { IconButton } from '../parts/button.tsx';
import { Stage } from './stage.tsx';
import { useZoom, type Zoom } from './use-zoom.ts';
import type { Point } from './zoom.ts';
import styles from './zoomable.module.css';

interface Props {
  artifact: ImageArtifact;
  alt: string;
  onError(): void;
}

/** A picture as large as fits, which can be looked at closely. */
export function Zoomable({ artifact, alt, onError }: Props) {
  const stage = useRef<HTMLDivElement>(null);
  const fitted = useFittedSize(stage, artifact);
  const zoom = useZoom(stage, fitted);
  const percent = Math.round((100 * zoom.view.scale * fitted.x * window.devicePixelRatio) / artifact.width);
  return (
    <div className={styles.place}>
      <Stage ref={stage} tile={{ artifact }} alt={alt} zoom={zoom} size={fitted} onError={onError} />
      <ZoomControls zoom={zoom} percent={percent} />
    </div>
  );
}

export function ZoomControls({ zoom, percent }: { zoom: Zoom; percent?: number }) {
  return (
    <div className={styles.controls}>
      <IconButton label="Zoom out" small onClick={zoom.zoomOut} disabled={zoom.view.scale === 1}>
        <ZoomOut size={16} aria-hidden />
      </IconButton>
      {percent !== undefined && <output className={styles.percent}>{percent} %</output>}
      <IconButton label="Zoom in" small onClick={zoom.zoomIn}>
        <ZoomIn size={16} aria-hidden />
      </IconButton>
      <IconButton label="Fit" small onClick={zoom.reset} disabled={zoom.view.scale === 1}>
        <Maximize size={16} aria-hidden />
      </IconButton>
    </div>
  );
}

/** Pixels of the screen that a picture has where all of it is seen; a small one is not made larger than four times. */
export function useFittedSize(
  stage: RefObject<HTMLElement | null>,
  { width, height }: { width: number; height: number },
): Point {
  const [room, setRoom] = useState({ x: 0, y: 0 });
  useLayoutEffect(() => {
    const element = stage.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setRoom({ x: element.clientWidth, y: element.clientHeight }));
    setRoom({ x: element.clientWidth, y: element.clientHeight });
    observer.observe(element);
    return () => observer.disconnect();
  }, [stage]);
  const scale = Math.min(4, room.x / width, room.y / height);
  return { x: width * scale, y: height * scale };
}
