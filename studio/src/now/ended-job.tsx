import type { Job } from '@comfygate/client';
import { RotateCcw } from 'lucide-react';
import { Link } from 'wouter';
import { AsCode } from '../code/as-code.tsx';
import { Failure } from '../jobs/failure.tsx';
import { Media } from '../jobs/media.tsx';
import { useJobActions, useJobOperations } from '../jobs/use-job-actions.ts';
import { useTitles } from '../jobs/use-workflows.ts';
import { duration, promptOf } from '../jobs/words.ts';
import { Button } from '../parts/button.tsx';
import styles from './now.module.css';

const MAX_SHOWN = 4;

/** A job that has ended: its results, or why there are none. */
export function EndedJob({ job }: { job: Job }) {
  const { again, busy } = useJobActions();
  const operations = useJobOperations();
  const title = useTitles()(job.workflow);
  const { status, artifacts, startedAt, finishedAt } = job;
  const more = artifacts.length - MAX_SHOWN;
  return (
    <li className={styles.done} data-status={status}>
      {artifacts.length > 0 ? (
        <div className={styles.results} data-count={Math.min(MAX_SHOWN, artifacts.length)}>
          {artifacts.slice(0, MAX_SHOWN).map((artifact, i) => (
            <Link key={artifact.id} className={styles.result} href={`/gallery/${job.id}?artifact=${artifact.id}`}>
              <Media job={job} artifact={artifact} />
              {i === MAX_SHOWN - 1 && more > 0 && <span className={styles.rest}>{more} more</span>}
            </Link>
          ))}
        </div>
      ) : (
        status === 'CANCELED' && <p className={styles.nothing}>Canceled</p>
      )}
      {job.error && <Failure error={job.error} />}
      <div className={styles.foot}>
        <div className={styles.about}>
          <h3 className={styles.title}>
            <Link href={`/gallery/${job.id}`}>{promptOf(job) ?? title}</Link>
          </h3>
          <p className={styles.facts}>
            {promptOf(job) && <span>{title}</span>}
            {startedAt && finishedAt && <span>{duration(Date.parse(finishedAt) - Date.parse(startedAt))}</span>}
          </p>
        </div>
        <Button small disabled={busy} onClick={() => again(job)}>
          <RotateCcw size={15} aria-hidden />
          Again
        </Button>
        <AsCode small actions={[{ name: 'Again', operation: () => operations.again(job) }]} />
      </div>
    </li>
  );
}
