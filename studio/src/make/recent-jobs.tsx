import type { Job } from '@comfygate/client';
import { Ban, CircleAlert, FileBox, FileText, Film, Music } from 'lucide-react';
import { stateInWords } from '../jobs/words.ts';
import { hasEnded } from '../session/watch-job.ts';
import styles from './recent-jobs.module.css';

interface Props {
  jobs: readonly Job[];
  shownId: string | undefined;
  onShow(job: Job): void;
}

const ICONS = { VideoArtifact: Film, AudioArtifact: Music, TextArtifact: FileText, FileArtifact: FileBox };

/** The latest jobs of the workflow, the newest first, from which the one that is shown is chosen. */
export function RecentJobs({ jobs, shownId, onShow }: Props) {
  if (jobs.length < 2) return null;
  return (
    <ul className={styles.strip} aria-label="Latest results">
      {jobs.map((job) => (
        <li key={job.id}>
          <button
            type="button"
            className={styles.job}
            aria-current={job.id === shownId || undefined}
            aria-label={`${stateInWords(job)}, ${new Date(job.createdAt).toLocaleTimeString()}`}
            onClick={() => onShow(job)}
          >
            <Face job={job} />
          </button>
        </li>
      ))}
    </ul>
  );
}

function Face({ job }: { job: Job }) {
  const [first] = job.artifacts;
  if (first?.__typename === 'ImageArtifact') return <img src={first.thumbnail} alt="" loading="lazy" />;
  if (!hasEnded(job)) return <span className={styles.ring} style={{ '--done': `${job.progress.fraction * 100}%` }} />;
  const Icon = first ? ICONS[first.__typename] : job.status === 'FAILED' ? CircleAlert : Ban;
  return <Icon size={20} aria-hidden />;
}
