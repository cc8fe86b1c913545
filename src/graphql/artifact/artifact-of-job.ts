import type { Artifact } from '../../core/job.ts';

/** An artifact with what its address depends on: when its job's results are removed, in milliseconds since 1970. */
export interface ArtifactOfJob {
  artifact: Artifact;
  expiresAt: number | null;
}
