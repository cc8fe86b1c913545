import { isUuid } from './uuid.ts';

/**
 * The id of a job's result: of its first attempt `<job's id>:<number>`, of a later one `<job's id>:<lease>-<number>`,
 * since what an earlier attempt has shown under the same number may have been another file.
 */
export function artifactId(jobId: string, lease: number, number: number): string {
  return lease === 1 ? `${jobId}:${number}` : `${jobId}:${lease}-${number}`;
}

const ID = /^([^:]+):(?:[1-9]\d{0,5}-)?(?:0|[1-9]\d{0,5})$/;

/** The id of the job that made this artifact; null for what is no id of one. */
export function jobOfArtifact(id: string): string | null {
  const [, jobId = ''] = ID.exec(id) ?? [];
  return isUuid(jobId) ? jobId : null;
}
