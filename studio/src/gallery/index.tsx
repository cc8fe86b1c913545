import { CheckSquare, ImageOff } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useLocation, useParams, useSearch } from 'wouter';
import { AsCode } from '../code/as-code.tsx';
import { list } from '../code/operations.ts';
import { useRemovals } from '../jobs/removals.ts';
import { Button } from '../parts/button.tsx';
import { ButtonLink } from '../parts/button-link.tsx';
import { Loading } from '../parts/loading.tsx';
import { Message } from '../parts/message.tsx';
import { PageTitle } from '../parts/page-title.tsx';
import { Compare } from './compare.tsx';
import { type GalleryFilter, parseFilter, toJobFilter, toSearch } from './filter.ts';
import { FilterBar } from './filter-bar.tsx';
import { FullView } from './full-view.tsx';
import styles from './gallery.module.css';
import { Grid } from './grid.tsx';
import { type Tile, toTiles } from './rows.ts';
import { SelectionBar } from './selection-bar.tsx';
import { PAGE_SIZE, useGalleryJobs } from './use-gallery-jobs.ts';

export default function GalleryPage() {
  useRemovals();
  const { id } = useParams<{ id?: string }>();
  const search = useSearch();
  const [, navigate] = useLocation();
  const filter = useMemo(() => parseFilter(search), [search]);
  // The same object for the same filter, whatever else the address has.
  const filterKey = toSearch(filter);
  const jobFilter = useMemo(() => toJobFilter(parseFilter(filterKey)), [filterKey]);
  const { jobs, error, isPending, hasMore, isLoadingMore, loadMore } = useGalleryJobs(jobFilter);
  const tiles = useMemo(() => toTiles(jobs), [jobs]);
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  const [compared, setCompared] = useState<readonly [Tile, Tile] | null>(null);

  const show = (next: GalleryFilter) => navigate(`/gallery${toSearch(next)}`, { replace: true });
  const chosenTiles = useMemo(() => (chosen ? tiles.filter(({ key }) => chosen.has(key)) : []), [tiles, chosen]);
  const artifactId = new URLSearchParams(search).get('artifact');

  return (
    <div className={styles.page}>
      <PageTitle
        actions={
          <>
            <Button
              kind={chosen ? 'quiet' : 'plain'}
              aria-pressed={chosen !== null}
              onClick={() => setChosen(chosen ? null : new Set())}
            >
              <CheckSquare size={16} aria-hidden />
              Choose
            </Button>
            <AsCode actions={[{ name: 'List', operation: () => list({ first: PAGE_SIZE, filter: jobFilter }) }]} />
          </>
        }
      >
        Gallery
      </PageTitle>
      <FilterBar filter={filter} onChange={show} />
      {error && jobs.length === 0 ? (
        <Message title="The gallery cannot be read" tone="bad" detail={error.message} />
      ) : isPending ? (
        <Loading />
      ) : tiles.length === 0 && !hasMore ? (
        <Empty isFiltered={filterKey !== ''} onReset={() => show({})} />
      ) : (
        <Grid
          tiles={tiles}
          search={filterKey}
          chosen={chosen}
          onChoose={setChosen}
          hasMore={hasMore && error === null}
          isLoadingMore={isLoadingMore}
          onEnd={loadMore}
        />
      )}
      {error && jobs.length > 0 && (
        <Message title="Older results cannot be read" tone="bad" detail={error.message}>
          <Button onClick={() => loadMore()}>Try again</Button>
        </Message>
      )}
      {chosen && (
        <SelectionBar
          tiles={chosenTiles}
          onDone={() => setChosen(null)}
          onCompare={(one, other) => setCompared([one, other])}
        />
      )}
      {compared && <Compare tiles={compared} onClose={() => setCompared(null)} />}
      {id !== undefined && (
        <FullView jobId={id} artifactId={artifactId} tiles={tiles} search={filterKey} onCompare={setCompared} />
      )}
    </div>
  );
}

function Empty({ isFiltered, onReset }: { isFiltered: boolean; onReset: () => void }) {
  if (isFiltered)
    return (
      <Message title="Nothing fits this filter" icon={<ImageOff size={32} strokeWidth={1.5} aria-hidden />}>
        <Button onClick={onReset}>Show all that is done</Button>
      </Message>
    );
  return (
    <Message
      title="Nothing here yet"
      detail="What you make is shown here as soon as it is done."
      icon={<ImageOff size={32} strokeWidth={1.5} aria-hidden />}
    >
      <ButtonLink href="/make">Make something</ButtonLink>
    </Message>
  );
}
