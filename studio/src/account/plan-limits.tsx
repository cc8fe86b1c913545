import type { Viewer } from '@comfygate/client';
import { duration } from '../jobs/words.ts';
import styles from './account.module.css';

const NAMES: Record<string, string> = {
  requestsPerMinute: 'Requests a minute',
  gpuSecondsPerMinute: 'GPU seconds a minute',
  gpuSecondsPerDay: 'GPU seconds a day',
  jobsPerDay: 'Jobs a day',
  queued: 'Jobs that wait',
};

/** Less of a limit than this share is little. */
const LITTLE = 0.15;

const number = new Intl.NumberFormat('en');

/** How much of each limit of a plan is left, and when all of it is again. */
export function PlanLimits({ limits }: { limits: Viewer['limits'] }) {
  return (
    <ul className={styles.limits}>
      {limits.map(({ name, limit, remaining, resetsAt }) => {
        const left = Math.max(0, remaining);
        const title = NAMES[name] ?? name;
        return (
          <li key={name} data-little={left <= limit * LITTLE || undefined}>
            <span className={styles.limitName}>{title}</span>
            <span className={styles.left}>
              {number.format(left)} of {number.format(limit)} left
            </span>
            <meter min={0} max={limit} value={left} low={limit * LITTLE} aria-label={title} />
            <span className={styles.reset}>{resetOf(resetsAt, left === limit)}</span>
          </li>
        );
      })}
    </ul>
  );
}

function resetOf(resetsAt: string | null, isFull: boolean): string {
  if (isFull) return 'all of it';
  if (resetsAt === null) return 'until jobs have begun';
  return `all of it again in ${duration(Math.max(1_000, Date.parse(resetsAt) - Date.now()))}`;
}
