import type { Artifact, Job } from '@comfygate/client';
import { useQuery } from '@tanstack/react-query';
import { FileBox } from 'lucide-react';
import { Link } from 'wouter';
import { describeTile } from '../jobs/words.ts';
import { useComfy } from '../session/session.tsx';
import styles from './artifact-view.module.css';

interface Props {
  job: Job;
  artifact: Artifact;
}

/** A result, by what it is. */
export function ArtifactView({ job, artifact }: Props) {
  const { __typename: kind, url, filename } = artifact;
  if (kind === 'ImageArtifact')
    return (
      <Link href={`/gallery/${job.id}`} className={styles.link} aria-label={`Look at ${filename}`}>
        <img src={url} alt={describeTile(job, artifact)} className={styles.picture} style={sizeOf(artifact)} />
      </Link>
    );
  if (kind === 'VideoArtifact')
    return (
      <video
        src={url}
        className={styles.picture}
        style={sizeOf(artifact)}
        aria-label={describeTile(job, artifact)}
        controls
        loop
        muted
        playsInline
      />
    );
  if (kind === 'AudioArtifact')
    // biome-ignore lint/a11y/useMediaCaption: nobody has written any.
    return <audio src={url} className={styles.sound} aria-label={describeTile(job, artifact)} controls />;
  if (kind === 'TextArtifact') return <TextView job={job} artifact={artifact} />;
  return (
    <a href={url} className={styles.file} download={filename}>
      <FileBox size={28} aria-hidden />
      {filename}
    </a>
  );
}

/** For the styles: as large as there is room, at most half as large again as it is. */
const sizeOf = ({ width, height }: { width: number; height: number }) => ({ '--width': width, '--height': height });

/** Lists of jobs are told without texts. */
function TextView({ job, artifact }: Props) {
  const comfy = useComfy();
  const { data } = useQuery({
    queryKey: ['texts', job.id],
    queryFn: async () => (await comfy.job(job.id))?.artifacts ?? [],
    staleTime: Number.POSITIVE_INFINITY,
  });
  const read = data?.find(({ id }) => id === artifact.id);
  return <pre className={styles.text}>{read && 'text' in read ? read.text : '…'}</pre>;
}
