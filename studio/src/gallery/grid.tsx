import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Loading } from '../parts/loading.tsx';
import { nameOfDay } from './filter.ts';
import styles from './grid.module.css';
import { GridTile } from './grid-tile.tsx';
import { type Tile, toRows } from './rows.ts';

const DAY_HEIGHT = 52;
const GAP = 10;

/** Pixels of a tile at least; narrow screens have two beside each other. */
const TILE_WIDTH = 172;
const NARROW_TILE_WIDTH = 140;
const NARROW = 560;

/** Rows before the end of what is known, at which the next page is asked for. */
const AHEAD = 6;

interface Props {
  tiles: readonly Tile[];
  /** Of the filter, for the addresses of results. */
  search: string;
  /** Keys of tiles; null while nothing is being chosen. */
  chosen: ReadonlySet<string> | null;
  onChoose(chosen: ReadonlySet<string>): void;
  hasMore: boolean;
  isLoadingMore: boolean;
  onEnd(): void;
}

/** Thousands of tiles, of which only those in sight are elements. */
export function Grid({ tiles, search, chosen, onChoose, hasMore, isLoadingMore, onEnd }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const { width, top } = useBox(place);
  const columns = Math.max(2, Math.floor((width + GAP) / ((width < NARROW ? NARROW_TILE_WIDTH : TILE_WIDTH) + GAP)));
  const tileSize = (width - GAP * (columns - 1)) / columns;
  const rows = useMemo(() => toRows(tiles, columns), [tiles, columns]);
  const virtualizer = useWindowVirtualizer({
    count: width > 0 ? rows.length : 0,
    estimateSize: (i) => (rows[i]?.kind === 'day' ? DAY_HEIGHT : tileSize + GAP),
    getItemKey: (i) => rows[i]?.key ?? i,
    overscan: 3,
    scrollMargin: top,
  });
  // Other sizes are another layout.
  useLayoutEffect(() => virtualizer.measure(), [tileSize, rows, virtualizer]);

  const items = virtualizer.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (hasMore && !isLoadingMore && last >= rows.length - AHEAD) onEnd();
  }, [hasMore, isLoadingMore, last, rows.length, onEnd]);

  /** Moves the focus to a tile that may not be there yet. */
  const wanted = useRef<string>(null);
  useEffect(() => {
    const tile =
      wanted.current && place.current?.querySelector<HTMLElement>(`[data-tile="${CSS.escape(wanted.current)}"]`);
    if (!tile) return;
    wanted.current = null;
    tile.focus();
  });
  function moveFocus(event: KeyboardEvent) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const from = event.target instanceof HTMLElement ? event.target.dataset.tile : undefined;
    const at = tiles.findIndex(({ key }) => key === from);
    const to = step === undefined || at < 0 ? undefined : tiles[at + step];
    if (!to) return;
    event.preventDefault();
    wanted.current = to.key;
    virtualizer.scrollToIndex(rows.findIndex((row) => row.kind === 'tiles' && row.tiles.includes(to)));
    place.current?.querySelector<HTMLElement>(`[data-tile="${CSS.escape(to.key)}"]`)?.focus();
  }

  const now = new Date();
  function toggle(keys: readonly string[], isChosen: boolean) {
    const next = new Set(chosen);
    for (const key of keys) isChosen ? next.add(key) : next.delete(key);
    onChoose(next);
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys that it hears are of its tiles, which are links.
    <div ref={place} className={styles.grid} onKeyDown={moveFocus}>
      <div className={styles.all} style={{ height: virtualizer.getTotalSize() }}>
        {items.map(({ index, start }) => {
          const row = rows[index];
          if (!row) return null;
          const style = { translate: `0 ${start - top}px` };
          if (row.kind === 'day') {
            const keys = row.tiles.map(({ key }) => key);
            const areChosen = chosen !== null && keys.every((key) => chosen.has(key));
            return (
              <div key={row.key} className={styles.day} style={style}>
                <h2>{nameOfDay(row.day, now)}</h2>
                {chosen && (
                  <button type="button" className={styles.choose} onClick={() => toggle(keys, !areChosen)}>
                    {areChosen ? 'Choose none' : `Choose all ${keys.length}`}
                  </button>
                )}
              </div>
            );
          }
          return (
            <div key={row.key} className={styles.row} style={{ ...style, height: tileSize, '--columns': columns }}>
              {row.tiles.map((tile) => (
                <GridTile
                  key={tile.key}
                  tile={tile}
                  search={search}
                  isChosen={chosen?.has(tile.key) ?? null}
                  onChoose={(isChosen) => toggle([tile.key], isChosen)}
                />
              ))}
            </div>
          );
        })}
      </div>
      {isLoadingMore && <Loading label="Loading older results" />}
    </div>
  );
}

/** Width of an element, and where it begins in the page. */
function useBox(ref: { current: HTMLElement | null }) {
  const [box, setBox] = useState({ width: 0, top: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => {
      const { width, top } = element.getBoundingClientRect();
      const next = { width: Math.floor(width), top: Math.round(top + window.scrollY) };
      setBox((known) => (known.width === next.width && known.top === next.top ? known : next));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [ref]);
  return box;
}
