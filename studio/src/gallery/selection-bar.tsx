import { Columns2, Download, Trash2, X } from 'lucide-react';
import { useState } from 'react';
import { AsCode } from '../code/as-code.tsx';
import { downloadAll, removeAll } from '../code/operations.ts';
import { useJobActions } from '../jobs/use-job-actions.ts';
import { useSave } from '../jobs/use-save.ts';
import { fileSize } from '../jobs/words.ts';
import { Button, IconButton } from '../parts/button.tsx';
import { ConfirmDelete } from './confirm-delete.tsx';
import type { Tile } from './rows.ts';
import styles from './selection-bar.module.css';

interface Props {
  /** Those that are chosen. */
  tiles: readonly Tile[];
  onCompare(one: Tile, other: Tile): void;
  onDone(): void;
}

/** What can be done with several at once. */
export function SelectionBar({ tiles, onCompare, onDone }: Props) {
  const { remove } = useJobActions();
  const { save, isSaving } = useSave();
  const [isDeleting, setDeleting] = useState(false);

  const files = tiles.filter(({ artifact }) => artifact !== null);
  const bytes = files.reduce((sum, { artifact }) => sum + (artifact?.size ?? 0), 0);
  const jobs = [...new Map(tiles.map(({ job }) => [job.id, job])).values()];
  const ended = jobs.filter(({ status }) => status !== 'QUEUED' && status !== 'RUNNING');
  const [one, other] = tiles.filter(({ artifact }) => artifact?.__typename === 'ImageArtifact');

  const idsOf = (of: readonly { id: string }[]) => of.map(({ id }) => id);
  const withFiles = jobs.filter(({ artifacts }) => artifacts.length > 0);
  const actions = [
    ...(withFiles.length > 0 ? [{ name: 'Download', operation: () => downloadAll(idsOf(withFiles)) }] : []),
    ...(ended.length > 0 ? [{ name: 'Delete', operation: () => removeAll(idsOf(ended)) }] : []),
  ];
  return (
    <div className={styles.bar} role="toolbar" aria-label="With what is chosen">
      <output className={styles.count}>
        {tiles.length === 0 ? 'Choose results' : `${tiles.length} chosen`}
        {bytes > 0 && <span className={styles.size}> {fileSize(bytes)}</span>}
      </output>
      <Button small disabled={files.length === 0 || isSaving} onClick={() => save(files)}>
        <Download size={16} aria-hidden />
        {isSaving ? 'Saving…' : 'Download'}
      </Button>
      <Button
        small
        disabled={tiles.length !== 2 || !one || !other}
        onClick={() => one && other && onCompare(one, other)}
      >
        <Columns2 size={16} aria-hidden />
        Compare
      </Button>
      <Button small kind="danger" disabled={ended.length === 0} onClick={() => setDeleting(true)}>
        <Trash2 size={16} aria-hidden />
        Delete
      </Button>
      {actions.length > 0 && <AsCode small actions={actions} />}
      <IconButton label="Done" data-hint-at="above end" small onClick={onDone}>
        <X size={18} aria-hidden />
      </IconButton>
      <ConfirmDelete
        open={isDeleting}
        jobs={ended}
        onClose={() => setDeleting(false)}
        onDelete={async () => {
          setDeleting(false);
          const gone = await remove(ended);
          if (gone.length === ended.length) onDone();
        }}
      />
    </div>
  );
}
