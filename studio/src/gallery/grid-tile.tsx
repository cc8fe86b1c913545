import { Check } from 'lucide-react';
import { memo } from 'react';
import { Link } from 'wouter';
import { Media } from '../jobs/media.tsx';
import { useTitles } from '../jobs/use-workflows.ts';
import { promptOf } from '../jobs/words.ts';
import { addressOf } from './address.ts';
import styles from './grid.module.css';
import type { Tile } from './rows.ts';

interface Props {
  tile: Tile;
  search: string;
  /** Null while nothing is being chosen: the tile then leads to the full view. */
  isChosen: boolean | null;
  onChoose(isChosen: boolean): void;
}

export const GridTile = memo(function GridTile({ tile, search, isChosen, onChoose }: Props) {
  const title = useTitles()(tile.job.workflow);
  const caption = promptOf(tile.job) ?? title;
  const inside = (
    <>
      <Media job={tile.job} artifact={tile.artifact} />
      <span className={styles.caption} aria-hidden>
        {caption}
      </span>
    </>
  );
  if (isChosen === null)
    return (
      <Link className={styles.tile} href={addressOf(tile, search)} data-tile={tile.key} title={caption}>
        {inside}
      </Link>
    );
  return (
    <button
      type="button"
      className={styles.tile}
      aria-pressed={isChosen}
      data-tile={tile.key}
      onClick={() => onChoose(!isChosen)}
    >
      {inside}
      <span className={styles.mark}>{isChosen && <Check size={16} strokeWidth={3} aria-hidden />}</span>
    </button>
  );
}, isSame);

/** What it does with `onChoose` depends on nothing else. */
function isSame(before: Props, next: Props): boolean {
  return (
    before.isChosen === next.isChosen &&
    before.search === next.search &&
    before.tile.key === next.tile.key &&
    before.tile.job === next.tile.job &&
    next.isChosen === null
  );
}
