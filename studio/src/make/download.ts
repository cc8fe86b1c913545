import type { Comfy } from '@comfygate/client';
import { download } from '../code/operations.ts';

interface Addresses {
  job: { artifacts: { url: string }[] } | null;
}

/** Saves all files of a job on the device; browsers ask before they take several. */
export async function downloadJob(comfy: Comfy, id: string): Promise<void> {
  const { query, variables } = download(id);
  const { job } = await comfy.query<Addresses>(query, variables);
  for (const { url } of job?.artifacts ?? []) {
    const link = document.createElement('a');
    link.href = url;
    link.download = '';
    link.click();
  }
}
