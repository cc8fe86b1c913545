import type { Artifact, FileKind } from '@comfygate/client';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { FileAudio, FileVideo } from 'lucide-react';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Loading } from '../parts/loading.tsx';
import { Message } from '../parts/message.tsx';
import { useComfy } from '../session/session.tsx';
import { fileOfArtifact, isOfKind, rememberFile } from './files.ts';
import type { FileValue } from './form-model.ts';
import styles from './gallery-dialog.module.css';

const PAGE = 30;

interface Props {
  kind: FileKind;
  onChosen(value: FileValue): void;
  onClose(): void;
}

/** Results of the caller's jobs, the newest first, of which one is taken as an input. */
export default function GalleryDialog({ kind, onChosen, onClose }: Props) {
  const comfy = useComfy();
  const queries = useQueryClient();
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ['jobs', 'as-input'],
    queryFn: ({ pageParam }) => comfy.jobs({ first: PAGE, after: pageParam, filter: { status: ['SUCCEEDED'] } }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ pageInfo }) => (pageInfo.hasNextPage ? pageInfo.endCursor : null),
  });
  const artifacts = (data?.pages ?? [])
    .flatMap(({ nodes }) => nodes)
    .flatMap((job) => job.artifacts)
    .filter(({ contentType }) => isOfKind(kind, { type: contentType }));

  function choose(artifact: Artifact) {
    const value = { artifact: artifact.id };
    rememberFile(queries, value, fileOfArtifact(artifact));
    onChosen(value);
    onClose();
  }

  return (
    <Dialog open onClose={onClose} title="From the gallery" size="wide">
      {isPending && <Loading />}
      {error && <Message title="The gallery cannot be read" detail={error.message} tone="bad" />}
      {data && artifacts.length === 0 && !hasNextPage && (
        <Message title="There is nothing of this kind yet" detail="What you make appears here." />
      )}
      <ul className={styles.grid}>
        {artifacts.map((artifact) => (
          <li key={artifact.id}>
            <button type="button" className={styles.choice} onClick={() => choose(artifact)}>
              {'thumbnail' in artifact ? (
                <img src={artifact.thumbnail} alt={artifact.filename} loading="lazy" />
              ) : (
                <>
                  {kind === 'AUDIO' ? <FileAudio size={24} aria-hidden /> : <FileVideo size={24} aria-hidden />}
                  {artifact.filename}
                </>
              )}
            </button>
          </li>
        ))}
      </ul>
      {hasNextPage && (
        <div className={styles.more}>
          <Button onClick={() => void fetchNextPage()} disabled={isFetchingNextPage}>
            Show more
          </Button>
        </div>
      )}
    </Dialog>
  );
}
