import type { Job } from '@comfygate/client';
import { CircleX } from 'lucide-react';
import styles from './failure.module.css';
import { adviceFor } from './words.ts';

/** What went wrong, and what can be done about it. */
export function Failure({ error }: { error: NonNullable<Job['error']> }) {
  return (
    <div className={styles.failure} data-failure>
      <CircleX size={18} aria-hidden />
      <div className={styles.text}>
        <p className={styles.message}>{error.message}</p>
        <p className={styles.advice}>
          {adviceFor(error.code)}
          {error.classType && ` It was at the node ${error.classType}${error.nodeId ? ` (${error.nodeId})` : ''}.`}
        </p>
      </div>
    </div>
  );
}
