import type { Artifact, Job } from '@comfygate/client';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Failure } from '../jobs/failure.tsx';
import { Media } from '../jobs/media.tsx';
import { useFreshJob } from '../jobs/use-fresh-job.ts';
import { describeTile, fileSize } from '../jobs/words.ts';
import { Loading } from '../parts/loading.tsx';
import { Message } from '../parts/message.tsx';
import { ScrolledText } from '../parts/scrolled-text.tsx';
import { useComfy } from '../session/session.tsx';
import styles from './result.module.css';
import { Zoomable } from './zoomable.tsx';

/** A result in full. */
export function Result({ job, artifact }: { job: Job; artifact: Artifact | null }) {
  if (artifact) return <Shown job={job} artifact={artifact} />;
  if (job.error) return <Failure error={job.error} />;
  return (
    <div className={styles.state}>
      <Media job={job} artifact={null} />
    </div>
  );
}

function Shown({ job, artifact }: { job: Job; artifact: Artifact }) {
  const refresh = useFreshJob(job.id, artifact);
  const [isBroken, setBroken] = useState(false);
  const onError = () => refresh() || setBroken(true);
  const alt = describeTile(job, artifact);
  if (isBroken)
    return <Message title={`${artifact.filename} cannot be shown here`} detail="It can be downloaded nevertheless." />;
  switch (artifact.__typename) {
    case 'ImageArtifact':
      return <Zoomable artifact={artifact} alt={alt} onError={onError} />;
    case 'VideoArtifact':
      return (
        // biome-ignore lint/a11y/useMediaCaption: of what a model has made there are no captions.
        <video
          className={styles.film}
          src={artifact.url}
          aria-label={alt}
          controls
          autoPlay
          loop
          playsInline
          onError={onError}
        />
      );
    case 'AudioArtifact':
      return (
        <div className={styles.sound}>
          <Media job={job} artifact={artifact} />
          {/* biome-ignore lint/a11y/useMediaCaption: of what a model has made there are no captions. */}
          <audio src={artifact.url} aria-label={alt} controls onError={onError} />
        </div>
      );
    case 'TextArtifact':
      return <Text jobId={job.id} artifact={artifact} />;
    case 'FileArtifact':
      return (
        <div className={styles.state}>
          <Media job={job} artifact={artifact} />
          <p className={styles.note}>
            {artifact.contentType}, {fileSize(artifact.size)}
          </p>
        </div>
      );
  }
}

function Text({ jobId, artifact }: { jobId: string; artifact: Artifact }) {
  const comfy = useComfy();
  const { data, error } = useQuery({
    queryKey: ['text', artifact.id],
    async queryFn() {
      const found = (await comfy.job(jobId))?.artifacts.find(({ id }) => id === artifact.id);
      return found?.__typename === 'TextArtifact' ? (found.text ?? '') : '';
    },
    // What a text says never changes.
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (error) return <Message title="The text cannot be read" tone="bad" detail={error.message} />;
  if (data === undefined) return <Loading />;
  return <ScrolledText className={styles.text}>{data}</ScrolledText>;
}
