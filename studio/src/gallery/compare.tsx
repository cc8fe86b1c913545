import { Dialog } from '@base-ui/react/dialog';
import type { ImageArtifact } from '@comfygate/client';
import { Columns2, SplitSquareHorizontal, X } from 'lucide-react';
import { useRef, useState } from 'react';
import { describeTile, promptOf } from '../jobs/words.ts';
import { Button, IconButton } from '../parts/button.tsx';
import { Slider } from '../parts/slider.tsx';
import styles from './compare.module.css';
import type { Tile } from './rows.ts';
import { Stage } from './stage.tsx';
import { useZoom } from './use-zoom.ts';
import { useFittedSize, ZoomControls } from './zoomable.tsx';

/** Two pictures, beside each other or one over the other, looked at in the same place. */
export function Compare({ tiles, onClose }: { tiles: readonly [Tile, Tile]; onClose(): void }) {
  const [isOver, setOver] = useState(false);
  const popup = useRef<HTMLDivElement>(null);
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog.Portal>
        <Dialog.Popup ref={popup} initialFocus={popup} className={styles.view}>
          <header className={styles.top}>
            <Dialog.Title className={styles.title}>Compare</Dialog.Title>
            <Button kind="quiet" small aria-pressed={!isOver} onClick={() => setOver(false)}>
              <Columns2 size={16} aria-hidden />
              Side by side
            </Button>
            <Button kind="quiet" small aria-pressed={isOver} onClick={() => setOver(true)}>
              <SplitSquareHorizontal size={16} aria-hidden />
              One over the other
            </Button>
            <Dialog.Close render={<IconButton label="Close" data-hint-at="end" small className={styles.close} />}>
              <X size={18} aria-hidden />
            </Dialog.Close>
          </header>
          <Pictures tiles={tiles} isOver={isOver} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Pictures({ tiles: [one, other], isOver }: { tiles: readonly [Tile, Tile]; isOver: boolean }) {
  const [share, setShare] = useState(50);
  const stage = useRef<HTMLDivElement>(null);
  // The first one says how large both are: a larger version of it covers the same.
  const fitted = useFittedSize(stage, one.artifact as ImageArtifact);
  const zoom = useZoom(stage, fitted);
  const shared = { zoom, size: fitted };
  return (
    <>
      <div className={isOver ? styles.over : styles.beside}>
        <Stage ref={stage} tile={one} alt={describeTile(one.job, one.artifact)} {...shared} />
        <Stage
          tile={other}
          alt={describeTile(other.job, other.artifact)}
          clip={isOver ? `inset(0 0 0 ${share}%)` : undefined}
          {...shared}
        />
        {isOver && <span className={styles.line} style={{ left: `${share}%` }} aria-hidden />}
      </div>
      <footer className={styles.bottom}>
        <Caption tile={one} other={other} />
        {isOver && (
          <Slider label="How much of the first" value={share} min={0} max={100} step={1} onChange={setShare} />
        )}
        <Caption tile={other} other={one} />
        <ZoomControls zoom={zoom} />
      </footer>
    </>
  );
}

/** What was asked for, and in what it differs from the other. */
function Caption({ tile, other }: { tile: Tile; other: Tile }) {
  const differing = Object.entries(tile.job.parameters ?? {}).filter(
    ([name, value]) => name !== 'prompt' && JSON.stringify(value) !== JSON.stringify(other.job.parameters?.[name]),
  );
  const said = differing.filter(([, value]) => typeof value !== 'object').map(([name, value]) => `${name} ${value}`);
  return (
    <div className={styles.caption}>
      <p className={styles.prompt}>{promptOf(tile.job) ?? tile.artifact?.filename}</p>
      <p className={styles.differing}>{said.join(', ') || 'the same parameters'}</p>
    </div>
  );
}
