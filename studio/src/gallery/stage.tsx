import { type Ref, useState } from 'react';
import type { Tile } from './rows.ts';
import { styleOf, type Zoom } from './use-zoom.ts';
import type { Point } from './zoom.ts';
import styles from './zoomable.module.css';

interface Props {
  tile: Pick<Tile, 'artifact'>;
  alt: string;
  zoom: Zoom;
  /** Pixels of the screen that the picture has where it fits. */
  size: Point;
  /** Its part that is seen. */
  clip?: string | undefined;
  ref?: Ref<HTMLDivElement>;
  onError?: () => void;
}

/** Where a picture is zoomed and moved. */
export function Stage({ tile, alt, zoom, size, clip, ref, onError }: Props) {
  const [isLoaded, setLoaded] = useState(false);
  const thumbnail = tile.artifact?.__typename === 'ImageArtifact' ? tile.artifact.thumbnail : '';
  return (
    // biome-ignore lint/a11y/useSemanticElements: the element for a group is a fieldset, and nothing is filled in here.
    <div
      ref={ref}
      className={styles.stage}
      style={{ clipPath: clip }}
      role="group"
      aria-label="Picture: plus and minus zoom, arrows move it"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: its keys zoom and move the picture, as a map's do.
      tabIndex={0}
      {...zoom.handlers}
    >
      <img
        className={styles.picture}
        src={tile.artifact?.url}
        alt={alt}
        draggable={false}
        onError={onError}
        onLoad={() => setLoaded(true)}
        style={{
          ...{ width: size.x, height: size.y, ...styleOf(zoom.view) },
          // The small one is mostly there already.
          backgroundImage: isLoaded ? undefined : `url(${JSON.stringify(thumbnail)})`,
        }}
      />
    </div>
  );
}
