import { Dialog } from '@base-ui/react/dialog';
import { ChevronLeft, ChevronRight, X } from 'lucide-react';
import { type KeyboardEvent, useEffect, useRef } from 'react';
import { useLocation } from 'wouter';
import { useJob } from '../jobs/use-job.ts';
import { useTitles } from '../jobs/use-workflows.ts';
import { IconButton } from '../parts/button.tsx';
import { Loading } from '../parts/loading.tsx';
import { Message } from '../parts/message.tsx';
import { addressOf } from './address.ts';
import { Details } from './details.tsx';
import styles from './full-view.module.css';
import { Result } from './result.tsx';
import type { Tile } from './rows.ts';

interface Props {
  jobId: string;
  /** Null: the first of the job. */
  artifactId: string | null;
  /** Those of the gallery, through which it leads. */
  tiles: readonly Tile[];
  search: string;
  onCompare(tiles: readonly [Tile, Tile]): void;
}

/** One result as large as the screen, with all that is known of its job. */
export function FullView({ jobId, artifactId, tiles, search, onCompare }: Props) {
  const [, navigate] = useLocation();
  const popup = useRef<HTMLDivElement>(null);
  const { job, isPending, error } = useJob(jobId);
  const titleOf = useTitles();
  const artifact = job?.artifacts.find(({ id }) => id === artifactId) ?? job?.artifacts[0] ?? null;
  const at = tiles.findIndex((tile) => tile.key === (artifact?.id ?? jobId));
  const [before, after] = at < 0 ? [] : [tiles[at - 1], tiles[at + 1]];

  const close = () => navigate(`/gallery${search}`);
  const show = (tile: Tile | undefined) => tile && navigate(addressOf(tile, search), { replace: true });
  function onKeyDown(event: KeyboardEvent) {
    if (event.target instanceof HTMLElement && event.target.closest('input, textarea, select, video, audio, pre'))
      return;
    if (event.key === 'ArrowLeft') show(before);
    else if (event.key === 'ArrowRight') show(after);
  }
  // A neighbour is there at once when it is gone to.
  useEffect(() => {
    for (const { artifact: next } of [before, after].filter((tile) => tile !== undefined))
      if (next?.__typename === 'ImageArtifact') new Image().src = next.url;
  }, [before, after]);

  return (
    <Dialog.Root open onOpenChange={(open) => open || close()}>
      <Dialog.Portal>
        <Dialog.Popup ref={popup} initialFocus={popup} className={styles.view} onKeyDown={onKeyDown}>
          <div className={styles.stage}>
            {job ? (
              <Result key={artifact?.id ?? job.id} job={job} artifact={artifact} />
            ) : isPending ? (
              <Loading />
            ) : (
              <Message
                title={error ? 'This result cannot be read' : 'This result is no longer there'}
                tone={error ? 'bad' : 'plain'}
                detail={error?.message ?? 'It was deleted, or its time was over.'}
              />
            )}
            <div className={styles.ways}>
              <IconButton label="Newer" kind="plain" onClick={() => show(before)} disabled={!before}>
                <ChevronLeft size={18} aria-hidden />
              </IconButton>
              <IconButton label="Older" kind="plain" onClick={() => show(after)} disabled={!after}>
                <ChevronRight size={18} aria-hidden />
              </IconButton>
            </div>
          </div>
          <div className={styles.side}>
            <div className={styles.top}>
              <Dialog.Title className={styles.title}>{job ? titleOf(job.workflow) : 'Result'}</Dialog.Title>
              <Dialog.Close render={<IconButton label="Close" data-hint-at="end" small />}>
                <X size={18} aria-hidden />
              </Dialog.Close>
            </div>
            {job && (
              <Details
                job={job}
                artifact={artifact}
                neighbour={after ?? before ?? null}
                search={search}
                onCompare={onCompare}
                onGone={() => ((after ?? before) ? show(after ?? before) : close())}
              />
            )}
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
