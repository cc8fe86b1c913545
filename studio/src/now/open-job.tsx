import type { Job } from '@comfygate/client';
import { Hourglass, Image, X } from 'lucide-react';
import { useRef } from 'react';
import { Link } from 'wouter';
import { AsCode } from '../code/as-code.tsx';
import { watch } from '../code/operations.ts';
import { Media } from '../jobs/media.tsx';
import { useJobActions, useJobOperations } from '../jobs/use-job-actions.ts';
import { useTitles } from '../jobs/use-workflows.ts';
import { duration, placeInWords, promptOf, type Seen, stepInWords, timeLeft } from '../jobs/words.ts';
import { Button } from '../parts/button.tsx';
import { Progress } from '../parts/progress.tsx';
import { useWatchedJob } from '../session/watch-job.ts';
import styles from './now.module.css';

interface Props {
  job: Job;
  /** Whether to follow it step by step. */
  isWatched: boolean;
  /** How long such jobs took, in milliseconds. */
  usualMs: number | null;
}

/** A job that waits or runs. */
export function OpenJob({ job: listed, isWatched, usualMs }: Props) {
  const watched = useWatchedJob(isWatched ? listed.id : null, listed);
  // The list may be newer than what was watched, where a connection was just lost.
  const job = watched.job && watched.job.seq >= listed.seq ? watched.job : listed;
  const { cancel, busy } = useJobActions();
  const operations = useJobOperations();
  const title = useTitles()(job.workflow);
  const isCanceling = job.cancelRequestedAt !== null;
  const last = job.artifacts.at(-1) ?? null;
  const waits = placeInWords(job) !== null;
  return (
    <li className={styles.job} data-waits={waits || undefined}>
      <div className={styles.picture}>
        {last ? (
          <Media job={job} artifact={last} />
        ) : watched.preview ? (
          <img src={watched.preview} alt="As it is so far" />
        ) : waits ? (
          <Hourglass size={24} strokeWidth={1.5} aria-hidden />
        ) : (
          <Image size={24} strokeWidth={1.5} aria-hidden />
        )}
      </div>
      <div className={styles.about}>
        <h2 className={styles.title}>
          <Link href={`/gallery/${job.id}`}>{promptOf(job) ?? title}</Link>
        </h2>
        <p className={styles.facts}>
          {promptOf(job) && <span>{title}</span>}
          {job.backend && job.status === 'RUNNING' && <span>on {job.backend}</span>}
          {job.priority !== 'NORMAL' && <span>{job.priority.toLowerCase()} priority</span>}
          {job.attempts > 1 && <span>attempt {job.attempts}</span>}
          {job.tags.map((tag) => (
            <span key={tag} className={styles.tag}>
              {tag}
            </span>
          ))}
        </p>
        {!waits && <Progress label={`Progress of ${promptOf(job) ?? title}`} fraction={job.progress.fraction} />}
        <p className={styles.state}>
          {isCanceling ? <span>Is being canceled</span> : <State job={job} usualMs={usualMs} />}
        </p>
      </div>
      <div className={styles.actions}>
        <Button small disabled={busy || isCanceling} onClick={() => cancel(job)}>
          <X size={16} aria-hidden />
          Cancel
        </Button>
        <AsCode
          small
          actions={[
            { name: 'Cancel', operation: () => operations.cancel(job) },
            { name: 'Watch', operation: () => watch(job.id) },
          ]}
        />
      </div>
    </li>
  );
}

function State({ job, usualMs }: { job: Job; usualMs: number | null }) {
  const left = useTimeLeft(job);
  const usual = usualMs !== null && <span>usually takes {duration(Math.max(1_000, usualMs))}</span>;
  const place = placeInWords(job);
  if (place !== null)
    return (
      <>
        <span>{place}</span>
        {usual}
      </>
    );
  const { fraction, nodesDone, nodesTotal } = job.progress;
  const nodes = nodesTotal > 0 ? `${nodesDone} of ${nodesTotal} nodes` : null;
  const step = stepInWords(job) ?? nodes;
  return (
    <>
      <span className={styles.percent}>{Math.round(fraction * 100)} %</span>
      {step && <span>{step}</span>}
      {left !== null && left >= 1_000 ? <span>about {duration(left)} left</span> : usual}
    </>
  );
}

/** By how fast it went since it was first seen in this attempt. */
function useTimeLeft({ attempts, progress: { fraction } }: Job): number | null {
  const first = useRef<(Seen & { attempt: number }) | null>(null);
  const last: Seen = { fraction, at: performance.now() };
  if (first.current?.attempt !== attempts) first.current = { ...last, attempt: attempts };
  return timeLeft(first.current, last);
}
