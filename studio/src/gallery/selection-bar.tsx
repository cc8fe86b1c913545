import { Columns2, Download, Trash2, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useJobActions } from '../jobs/use-job-actions.ts';
import { fileSize } from '../jobs/words.ts';
import { Button, IconButton } from '../parts/button.tsx';
import { useTell } from '../parts/toasts.tsx';
import { useComfy } from '../session/session.tsx';
import { ConfirmDelete } from './confirm-delete.tsx';
import type { Tile } from './rows.ts';
import { MAX_ARCHIVE_BYTES, saveArchive, saveFile } from './save.ts';
import styles from './selection-bar.module.css';

interface Props {
  /** Those that are chosen. */
  tiles: readonly Tile[];
  onCompare(one: Tile, other: Tile): void;
  onDone(): void;
}

/** What can be done with several at once. */
export function SelectionBar({ tiles, onCompare, onDone }: Props) {
  const comfy = useComfy();
  const tell = useTell();
  const { remove } = useJobActions();
  const [isSaving, setSaving] = useState(false);
  const [isDeleting, setDeleting] = useState(false);
  const left = useRef<AbortController>(null);
  useEffect(() => {
    left.current = new AbortController();
    return () => left.current?.abort();
  }, []);

  const files = tiles.filter(({ artifact }) => artifact !== null);
  const bytes = files.reduce((sum, { artifact }) => sum + (artifact?.size ?? 0), 0);
  const jobs = [...new Map(tiles.map(({ job }) => [job.id, job])).values()];
  const ended = jobs.filter(({ status }) => status !== 'QUEUED' && status !== 'RUNNING');
  const [one, other] = tiles.filter(({ artifact }) => artifact?.__typename === 'ImageArtifact');

  async function save() {
    const [only] = files;
    if (bytes > MAX_ARCHIVE_BYTES) {
      tell('That is too much for one archive', {
        description: `Choose at most ${fileSize(MAX_ARCHIVE_BYTES)}.`,
        bad: true,
      });
      return;
    }
    setSaving(true);
    try {
      if (files.length === 1 && only) await saveFile(comfy, only);
      else if (left.current) await saveArchive(comfy, files, left.current.signal);
    } catch (error) {
      if (!left.current?.signal.aborted)
        tell('They were not saved', { description: error instanceof Error ? error.message : String(error), bad: true });
    } finally {
      setSaving(false);
    }
  }
  return (
    <div className={styles.bar} role="toolbar" aria-label="With what is chosen">
      <output className={styles.count}>
        {tiles.length === 0 ? 'Choose results' : `${tiles.length} chosen`}
        {bytes > 0 && <span className={styles.size}> {fileSize(bytes)}</span>}
      </output>
      <Button small disabled={files.length === 0 || isSaving} onClick={save}>
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
      <IconButton label="Done" data-hint-at="end" small onClick={onDone}>
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
