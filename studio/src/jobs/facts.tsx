import type { Artifact, Job } from '@comfygate/client';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { ScrolledText } from '../parts/scrolled-text.tsx';
import styles from './facts.module.css';
import { useWorkflows } from './use-workflows.ts';
import { duration, fileSize } from './words.ts';

const when = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });

/** All that is known of a result and its job. */
export function Facts({ job, artifact }: { job: Job; artifact: Artifact | null }) {
  return (
    <div className={styles.facts}>
      {artifact && (
        <List title="File">
          <Fact name="Name">{artifact.filename}</Fact>
          <Fact name="Type">{artifact.contentType}</Fact>
          <Fact name="Size">{fileSize(artifact.size)}</Fact>
          {'width' in artifact && (
            <Fact name="Pixels">
              {artifact.width} × {artifact.height}
            </Fact>
          )}
          {'durationSeconds' in artifact && artifact.durationSeconds !== null && (
            <Fact name="Length">{duration(artifact.durationSeconds * 1_000)}</Fact>
          )}
          {artifact.output && <Fact name="Output">{artifact.output}</Fact>}
        </List>
      )}
      <Parameters job={job} />
      <List title="Run">
        <Fact name="Made">{when.format(new Date(job.createdAt))}</Fact>
        {job.startedAt && job.finishedAt && (
          <Fact name="Took">{duration(Date.parse(job.finishedAt) - Date.parse(job.startedAt))}</Fact>
        )}
        {job.backend && <Fact name="Server">{job.backend}</Fact>}
        {job.attempts > 1 && <Fact name="Attempts">{job.attempts}</Fact>}
        {job.priority !== 'NORMAL' && <Fact name="Priority">{job.priority.toLowerCase()}</Fact>}
        {job.expiresAt && <Fact name="Kept until">{when.format(new Date(job.expiresAt))}</Fact>}
        {job.retryOf && (
          <Fact name="Again of">
            <Link href={`/gallery/${job.retryOf}`}>an earlier job</Link>
          </Fact>
        )}
        {job.tags.length > 0 && (
          <Fact name="Tags">
            {job.tags.map((tag) => (
              <Link key={tag} className={styles.tag} href={`/gallery?tag=${encodeURIComponent(tag)}`}>
                {tag}
              </Link>
            ))}
          </Fact>
        )}
        <Fact name="Job">
          <code>{job.id}</code>
        </Fact>
      </List>
      {job.timings.length > 0 && (
        <List title="Times of nodes">
          {job.timings.map(({ nodeId, classType, ms, cached }) => (
            <Fact key={nodeId} name={classType}>
              {cached ? 'had been made before' : duration(ms)}
            </Fact>
          ))}
        </List>
      )}
    </div>
  );
}

/** In the order and under the names of the form where the workflow is still there; the prompt is shown elsewhere. */
function Parameters({ job }: { job: Job }) {
  const { data: workflows = [] } = useWorkflows();
  const known = workflows.find(({ name }) => name === job.workflow)?.parameters ?? [];
  const order = (name: string) => known.findIndex((parameter) => parameter.name === name) >>> 0;
  const given = Object.entries(job.parameters ?? {})
    .filter(([name, value]) => name !== 'prompt' && value !== null && value !== '')
    .sort(([a], [b]) => order(a) - order(b));
  if (given.length === 0) return null;
  return (
    <List title="Parameters">
      {given.map(([name, value]) => (
        <Fact key={name} name={known.find((parameter) => parameter.name === name)?.title ?? name}>
          <Value value={value} />
        </Fact>
      ))}
    </List>
  );
}

function Value({ value }: { value: unknown }) {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'object' || value === null) return String(value);
  const text = JSON.stringify(value, undefined, 2);
  // A file, or a short list.
  if (text.length < 120) return <code>{JSON.stringify(value)}</code>;
  return (
    <details>
      <summary>{fileSize(text.length)} of JSON</summary>
      <ScrolledText className={styles.json}>{text}</ScrolledText>
    </details>
  );
}

function List({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3 className={styles.title}>{title}</h3>
      <dl className={styles.list}>{children}</dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={styles.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
