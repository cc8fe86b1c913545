import type { Comfy } from '@comfygate/client';

const ADDRESSES = 'query Downloads($id: ID!) { job(id: $id) { artifacts { url(download: true) } } }';

interface Addresses {
  job: { artifacts: { url: string }[] } | null;
}

/** Saves all files of a job on the device; browsers ask before they take several. */
export async function downloadJob(comfy: Comfy, id: string): Promise<void> {
  const { job } = await comfy.query<Addresses>(ADDRESSES, { id });
  for (const { url } of job?.artifacts ?? []) {
    const link = document.createElement('a');
    link.href = url;
    link.download = '';
    link.click();
  }
}
