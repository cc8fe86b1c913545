import type { Job } from '@comfygate/client';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import styles from './confirm-delete.module.css';

interface Props {
  open: boolean;
  jobs: readonly Job[];
  onClose(): void;
  onDelete(): void;
}

/** A job is deleted with all of its results, also those that were not chosen: that is said before. */
export function ConfirmDelete({ open, jobs, onClose, onDelete }: Props) {
  const results = jobs.reduce((sum, { artifacts }) => sum + artifacts.length, 0);
  const what = `${plural(jobs.length, 'job')} with ${plural(results, 'result')}`;
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={`Delete ${what}?`}
      description="They are gone for good, for everybody."
    >
      <div className={styles.actions}>
        <Button onClick={onClose}>Keep</Button>
        <Button kind="danger" onClick={onDelete}>
          Delete
        </Button>
      </div>
    </Dialog>
  );
}

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;
