import type { Job } from '../../client/src/comfy.ts';

interface Given {
  id: string;
  seq?: number;
  status?: Job['status'];
  createdAt?: string;
  startedAt?: string | null;
  finishedAt?: string | null;
  workflow?: string;
  parameters?: Job['parameters'];
  tags?: string[];
  /** Ids of pictures. */
  artifacts?: string[];
}

/** A job as the client gives it, for what the studio makes of jobs. */
export function jobOf({ artifacts = [], ...given }: Given): Job {
  return {
    seq: 1,
    status: 'SUCCEEDED',
    workflow: 'textToImage',
    parameters: { prompt: 'a boat' },
    priority: 'NORMAL',
    tags: [],
    queuePosition: null,
    attempts: 1,
    progress: { fraction: 1, nodesDone: 1, nodesTotal: 1, node: null },
    error: null,
    timings: [],
    backend: 'comfy1',
    createdAt: '2026-11-30T12:00:00.000Z',
    startedAt: null,
    finishedAt: null,
    cancelRequestedAt: null,
    deadlineAt: '2026-12-01T12:00:00.000Z',
    expiresAt: null,
    retryOf: null,
    artifacts: artifacts.map((id) => ({
      ...{ __typename: 'ImageArtifact' as const, id, node: '9', output: null, filename: `${id}.png`, size: 1 },
      ...{ contentType: 'image/png', sha256: '', url: `http://there/${id}`, urlExpiresAt: '2026-12-01T12:00:00.000Z' },
      ...{ width: 512, height: 512, thumbnail: `http://there/${id}?width=512` },
    })),
    ...given,
  };
}
