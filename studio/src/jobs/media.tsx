import type { Artifact, Job } from '@comfygate/client';
import {
  AudioLines,
  Box,
  CircleSlash,
  CircleX,
  Clapperboard,
  File,
  FileText,
  Hourglass,
  LoaderCircle,
} from 'lucide-react';
import { useState } from 'react';
import { classNames } from '../parts/class-names.ts';
import { Progress } from '../parts/progress.tsx';
import styles from './media.module.css';
import { useFreshJob } from './use-fresh-job.ts';
import { describeTile, duration, fileSize, promptOf } from './words.ts';

/** A result as it looks in a grid, or how a job stands that has none. */
export function Media({ job, artifact }: { job: Job; artifact: Artifact | null }) {
  if (!artifact) return <State job={job} />;
  if (artifact.__typename === 'ImageArtifact') return <Picture key={artifact.id} job={job} artifact={artifact} />;
  if (artifact.__typename === 'VideoArtifact') return <Film key={artifact.id} job={job} artifact={artifact} />;
  const Icon = iconOf(artifact);
  const seconds = 'durationSeconds' in artifact ? artifact.durationSeconds : null;
  return (
    <div className={styles.file}>
      <Icon size={30} strokeWidth={1.5} aria-hidden />
      <span className={styles.name}>{promptOf(job) ?? artifact.filename}</span>
      <span className={styles.fact}>{seconds === null ? fileSize(artifact.size) : duration(seconds * 1_000)}</span>
    </div>
  );
}

function iconOf({ __typename, contentType }: Artifact) {
  if (__typename === 'AudioArtifact') return AudioLines;
  if (__typename === 'TextArtifact') return FileText;
  return contentType.startsWith('model/') ? Box : File;
}

function Picture({ job, artifact }: { job: Job; artifact: Extract<Artifact, { __typename: 'ImageArtifact' }> }) {
  const refresh = useFreshJob(job.id, artifact);
  const [isBroken, setBroken] = useState(false);
  if (isBroken) return <Broken name={artifact.filename} />;
  return (
    <img
      className={styles.picture}
      src={artifact.thumbnail}
      alt={describeTile(job, artifact)}
      loading="lazy"
      decoding="async"
      onError={() => refresh() || setBroken(true)}
    />
  );
}

function Film({ job, artifact }: { job: Job; artifact: Extract<Artifact, { __typename: 'VideoArtifact' }> }) {
  const refresh = useFreshJob(job.id, artifact);
  const [isBroken, setBroken] = useState(false);
  if (isBroken) return <Broken name={artifact.filename} />;
  const { durationSeconds: seconds, url } = artifact;
  return (
    <div className={styles.film}>
      {/* A film of a tile shows its first picture, and is silent: there is nothing to be read of it. */}
      <video
        className={styles.picture}
        src={url}
        aria-label={describeTile(job, artifact)}
        muted
        loop
        playsInline
        preload="metadata"
        onError={() => refresh() || setBroken(true)}
        onPointerEnter={({ currentTarget }) => void currentTarget.play().catch(() => undefined)}
        onPointerLeave={({ currentTarget }) => currentTarget.pause()}
      />
      <span className={styles.badge}>
        <Clapperboard size={13} aria-hidden />
        {seconds !== null && duration(seconds * 1_000)}
      </span>
    </div>
  );
}

function Broken({ name }: { name: string }) {
  return (
    <div className={styles.file}>
      <CircleSlash size={30} strokeWidth={1.5} aria-hidden />
      <span className={styles.name}>{name}</span>
      <span className={styles.fact}>cannot be shown</span>
    </div>
  );
}

const STATES = {
  QUEUED: { Icon: Hourglass, name: 'Waits' },
  RUNNING: { Icon: LoaderCircle, name: 'Runs' },
  SUCCEEDED: { Icon: File, name: 'Done' },
  FAILED: { Icon: CircleX, name: 'Failed' },
  CANCELED: { Icon: CircleSlash, name: 'Canceled' },
};

function State({ job }: { job: Job }) {
  const { Icon, name } = STATES[job.status];
  return (
    <div className={classNames(styles.file, job.status === 'FAILED' && styles.failed)}>
      <Icon size={26} strokeWidth={1.5} aria-hidden />
      <span className={styles.name}>{name}</span>
      {job.error && <span className={styles.fact}>{job.error.message}</span>}
      {job.status === 'RUNNING' && (
        <span className={styles.bar}>
          <Progress label="Progress" fraction={job.progress.fraction} />
        </span>
      )}
    </div>
  );
}
