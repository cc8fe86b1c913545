import { useQuery } from '@tanstack/react-query';
import { Coffee } from 'lucide-react';
import { AsCode } from '../code/as-code.tsx';
import { list } from '../code/operations.ts';
import { useRemovals } from '../jobs/removals.ts';
import { usualTime } from '../jobs/words.ts';
import { ButtonLink } from '../parts/button-link.tsx';
import { Loading } from '../parts/loading.tsx';
import { Message } from '../parts/message.tsx';
import { PageTitle } from '../parts/page-title.tsx';
import { useComfy } from '../session/session.tsx';
import { EndedJob } from './ended-job.tsx';
import styles from './now.module.css';
import { OpenJob } from './open-job.tsx';
import { inOrder, MAX_OPEN, useEndedJobs, useOpenJobs } from './use-jobs-now.ts';

/** Jobs that are followed step by step; a connection takes 100 subscriptions. */
const MAX_WATCHED = 40;

export default function NowPage() {
  useRemovals();
  const comfy = useComfy();
  const open = useOpenJobs();
  const ended = useEndedJobs();
  const health = useQuery({ queryKey: ['health'], queryFn: () => comfy.health(), refetchInterval: 5_000 });
  const jobs = inOrder(open.data?.nodes ?? []);
  const error = open.error ?? ended.error;
  return (
    <div className={styles.page}>
      <PageTitle
        actions={
          <AsCode
            actions={[
              { name: 'List', operation: () => list({ first: MAX_OPEN, filter: { status: ['RUNNING', 'QUEUED'] } }) },
            ]}
          />
        }
      >
        Now
      </PageTitle>
      {health.data && <Summary {...health.data.queue} />}
      {error && <Message title="Your jobs cannot be read" tone="bad" detail={error.message} />}
      <section className={styles.section} aria-label="Under way">
        {open.isPending && !error ? (
          <Loading />
        ) : jobs.length === 0 ? (
          !error && (
            <Message
              title="Nothing is under way"
              detail="What you make is shown here from its first step to its result."
              icon={<Coffee size={32} strokeWidth={1.5} aria-hidden />}
            >
              <ButtonLink href="/make">Make something</ButtonLink>
            </Message>
          )
        ) : (
          <ul className={styles.list}>
            {jobs.map((job, i) => (
              <OpenJob
                key={job.id}
                job={job}
                isWatched={i < MAX_WATCHED}
                usualMs={usualTime(ended.data?.nodes ?? [], job.workflow)}
              />
            ))}
          </ul>
        )}
        {open.data?.pageInfo.hasNextPage && <p className={styles.more}>More jobs wait than these {MAX_OPEN}.</p>}
      </section>
      {ended.data && ended.data.nodes.length > 0 && (
        <section className={styles.section} aria-labelledby="ended">
          <h2 id="ended">Ended lately</h2>
          <ul className={styles.ended}>
            {ended.data.nodes.map((job) => (
              <EndedJob key={job.id} job={job} />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

/** Of the whole installation: other people's jobs are among those that wait before one's own. */
function Summary({ running, queued, workers }: { running: number; queued: number; workers: number }) {
  return (
    <p className={styles.summary}>
      {running} running, {queued} waiting in all
      {workers === 0 && <strong className={styles.warning}> No worker is there: nothing is run until one is.</strong>}
    </p>
  );
}
