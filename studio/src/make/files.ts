import type { Artifact, FileKind } from '@comfygate/client';
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import type { NeededFile } from '../code/operation.ts';
import { useComfy } from '../session/session.tsx';
import type { FileValue } from './form-model.ts';

/** What is known of an input file. */
export interface KnownFile {
  name: string;
  /** Media type; null where it is not known. */
  type: string | null;
  /** Where it can be seen; null where it cannot, as an upload of another day. */
  url: string | null;
}

const UNSEEN: KnownFile = { name: 'An uploaded file', type: null, url: null };

const keyOf = (value: FileValue) => ['file', JSON.stringify(value)];

/** For *as code* while no file was sent. */
export const SAMPLES: Record<FileKind, NeededFile> = {
  IMAGE: { name: 'picture.png', type: 'image/png', size: 1_000_000 },
  MASK: { name: 'mask.png', type: 'image/png', size: 100_000 },
  AUDIO: { name: 'sound.wav', type: 'audio/wav', size: 1_000_000 },
  VIDEO: { name: 'film.mp4', type: 'video/mp4', size: 10_000_000 },
};

/** Media types that a parameter takes, for `<input accept>`. */
export const ACCEPTED: Record<FileKind, string> = {
  IMAGE: 'image/*',
  MASK: 'image/*',
  AUDIO: 'audio/*',
  VIDEO: 'video/*',
};

/** Whether a file may be of the kind that a parameter takes, by what it says of itself. */
export const isOfKind = (kind: FileKind | null, { type }: { type: string }) =>
  type.startsWith(ACCEPTED[kind ?? 'IMAGE'].slice(0, -1));

/** Keeps what is seen of a file that was chosen here, for as long as the page is open. */
export function rememberFile(queries: QueryClient, value: FileValue, file: KnownFile): void {
  queries.setQueryDefaults(keyOf(value), { gcTime: Number.POSITIVE_INFINITY, staleTime: Number.POSITIVE_INFINITY });
  queries.setQueryData(keyOf(value), file);
}

export const fileOfArtifact = (artifact: Artifact): KnownFile => ({
  name: artifact.filename,
  type: artifact.contentType,
  url: artifact.url,
});

export function useKnownFile(value: FileValue): KnownFile {
  const comfy = useComfy();
  const queries = useQueryClient();
  const { data } = useQuery({
    queryKey: keyOf(value),
    queryFn: async (): Promise<KnownFile> => {
      if ('url' in value) return { name: value.url, type: null, url: null };
      // What is known of it is known from when it was chosen: see rememberFile.
      if ('upload' in value) return queries.getQueryData(keyOf(value)) ?? UNSEEN;
      // The id of a result begins with that of its job.
      const job = await comfy.job(value.artifact.replace(/:.*$/, ''));
      const artifact = job?.artifacts.find(({ id }) => id === value.artifact);
      return artifact ? fileOfArtifact(artifact) : { ...UNSEEN, name: 'A result that was removed' };
    },
    staleTime: 600_000,
  });
  return data ?? { ...UNSEEN, name: '…' };
}
