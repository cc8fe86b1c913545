import type { Health, HealthStatus } from '@comfygate/client';
import { duration } from '../jobs/words.ts';
import styles from './servers.module.css';
import { Status } from './status.tsx';

const NAMES: Record<string, string> = { redis: 'Redis', storage: 'Storage', workers: 'Workers', comfyui: 'ComfyUI' };
const SAID: Record<HealthStatus, string> = { HEALTHY: 'Well', DEGRADED: 'Degraded', UNHEALTHY: 'Does not work' };
const TONES = { HEALTHY: 'good', DEGRADED: 'warn', UNHEALTHY: 'bad' } as const;

/** What the gateway depends on, and how much is waiting. */
export function Installation({ health: { checks, queue, version } }: { health: Health }) {
  return (
    <section className={styles.installation} aria-label="The installation">
      {checks.map(({ name, status, latencyMs, message }) => (
        <div key={name} className={styles.check}>
          <span className={styles.label}>{NAMES[name] ?? name}</span>
          <Status tone={TONES[status]}>{SAID[status]}</Status>
          {message !== null ? (
            <span className={styles.small}>{message}</span>
          ) : (
            latencyMs !== null && <span className={styles.small}>answers in {duration(Math.max(1, latencyMs))}</span>
          )}
        </div>
      ))}
      <div className={styles.check}>
        <span className={styles.label}>Queue</span>
        <span className={styles.number}>
          {queue.running} running, {queue.queued} waiting
        </span>
        <span className={styles.small}>
          {queue.oldestQueuedSeconds !== null && queue.oldestQueuedSeconds >= 1
            ? `the oldest for ${duration(queue.oldestQueuedSeconds * 1_000)}`
            : `${queue.workers} ${queue.workers === 1 ? 'worker' : 'workers'}, comfygate ${version}`}
        </span>
      </div>
    </section>
  );
}
