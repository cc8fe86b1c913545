import type { Artifact, Job } from '@comfygate/client';
import { Columns2, Dices, Download, RotateCcw, SlidersHorizontal, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { AsCode } from '../code/as-code.tsx';
import { download } from '../code/operations.ts';
import { Facts } from '../jobs/facts.tsx';
import { Failure } from '../jobs/failure.tsx';
import { useJobActions, useJobOperations } from '../jobs/use-job-actions.ts';
import { useSave } from '../jobs/use-save.ts';
import { useWorkflows } from '../jobs/use-workflows.ts';
import { promptOf } from '../jobs/words.ts';
import { Button } from '../parts/button.tsx';
import { ButtonLink } from '../parts/button-link.tsx';
import { recipeAddress } from '../session/recipe.ts';
import { addressOf } from './address.ts';
import { ConfirmDelete } from './confirm-delete.tsx';
import styles from './details.module.css';
import type { Tile } from './rows.ts';
import { UseAsInput } from './use-as-input.tsx';

interface Props {
  job: Job;
  artifact: Artifact | null;
  /** What it is compared with, unless it is chosen in the gallery. */
  neighbour: Tile | null;
  search: string;
  onCompare(tiles: readonly [Tile, Tile]): void;
  onGone(): void;
}

/** What can be done with a result, and what is known of it. */
export function Details({ job, artifact, neighbour, search, onCompare, onGone }: Props) {
  const { again, vary, remove, cancel, busy } = useJobActions();
  const { save, isSaving } = useSave();
  const operations = useJobOperations();
  const { data: workflows = [] } = useWorkflows();
  const [isDeleting, setDeleting] = useState(false);
  const isOpen = job.status === 'QUEUED' || job.status === 'RUNNING';
  const canVary = operations.vary(job) !== null;
  const tile = { key: artifact?.id ?? job.id, job, artifact };

  const actions = [
    { name: 'Download', operation: () => download(job.id) },
    ...(isOpen ? [{ name: 'Cancel', operation: () => operations.cancel(job) }] : []),
    ...(isOpen ? [] : [{ name: 'Again', operation: () => operations.again(job) }]),
    ...(canVary ? [{ name: 'Vary', operation: () => operations.vary(job) ?? operations.again(job) }] : []),
    ...(isOpen ? [] : [{ name: 'Delete', operation: () => operations.remove(job) }]),
  ];
  const others = job.artifacts.filter(({ id }) => id !== artifact?.id);
  const isPicture = artifact?.__typename === 'ImageArtifact';
  return (
    <>
      <div className={styles.actions}>
        {artifact && (
          <Button disabled={isSaving} onClick={() => save([tile])}>
            <Download size={16} aria-hidden />
            Download
          </Button>
        )}
        {artifact && <UseAsInput artifact={artifact} />}
        {!isOpen && (
          <Button disabled={busy} onClick={() => again(job)}>
            <RotateCcw size={16} aria-hidden />
            Again
          </Button>
        )}
        {workflows.some(({ name }) => name === job.workflow) && (
          <ButtonLink href={recipeAddress(job.workflow, job.parameters)}>
            <SlidersHorizontal size={16} aria-hidden />
            Change
          </ButtonLink>
        )}
        {canVary && (
          <Button disabled={busy} onClick={() => vary(job)}>
            <Dices size={16} aria-hidden />
            Vary
          </Button>
        )}
        {isPicture && neighbour?.artifact?.__typename === 'ImageArtifact' && (
          <Button onClick={() => onCompare([tile, neighbour])}>
            <Columns2 size={16} aria-hidden />
            Compare
          </Button>
        )}
        {isOpen && (
          <Button kind="danger" disabled={busy} onClick={() => cancel(job)}>
            Cancel
          </Button>
        )}
        {!isOpen && (
          <Button kind="danger" disabled={busy} onClick={() => setDeleting(true)}>
            <Trash2 size={16} aria-hidden />
            Delete
          </Button>
        )}
        <AsCode actions={actions} />
      </div>
      {promptOf(job) && <p className={styles.prompt}>{promptOf(job)}</p>}
      {artifact && job.error && <Failure error={job.error} />}
      {others.length > 0 && (
        <nav className={styles.others} aria-label="Other results of this job">
          {others.map((other) => (
            <Link key={other.id} href={addressOf({ job, artifact: other }, search)} replace>
              {other.output ?? other.filename}
            </Link>
          ))}
        </nav>
      )}
      <Facts job={job} artifact={artifact} />
      <ConfirmDelete
        open={isDeleting}
        jobs={[job]}
        onClose={() => setDeleting(false)}
        onDelete={async () => {
          setDeleting(false);
          const gone = await remove([job]);
          if (gone.length > 0) onGone();
        }}
      />
    </>
  );
}
