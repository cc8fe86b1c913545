import { isUuid } from './uuid.ts';

/** The id of the job that made this artifact; null for what is no id of one. They are `<job's id>:<place>`. */
export function jobOfArtifact(id: string): string | null {
  const [, jobId = '', place = ''] = /^([^:]+):(\d{1,6})$/.exec(id) ?? [];
  return isUuid(jobId) && String(Number(place)) === place ? jobId : null;
}
