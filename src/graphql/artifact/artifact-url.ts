import type { UrlOptions } from '../../artifacts/artifact-store.ts';
import { badInput } from '../../core/errors.ts';
import type { Artifact } from '../../core/job.ts';
import type { GraphServices } from '../context.ts';

/** S3 signs for no longer. */
const MAX_EXPIRES_SECONDS = 604_800;

export const addressTexts = {
  url: 'A signed address that needs no other credential. The same for a while, so that browsers cache.',
  expiresIn:
    "For how many seconds it works, 1 to 604800, and never past the job's `expiresAt`; default from configuration.",
  download: 'Whether browsers save the file instead of showing it.',
};

interface AddressArguments {
  expiresIn?: number | null | undefined;
  download?: boolean | null | undefined;
}

/** For how long and for what an address is signed. Throws BAD_USER_INPUT. */
export function addressOptions(
  { expiresAt }: ArtifactOfJob,
  { expiresIn, download }: AddressArguments,
  { artifactUrlTtlSeconds }: GraphServices,
): Pick<UrlOptions, 'expiresInSeconds' | 'download' | 'notAfter'> {
  if (expiresIn != null && (expiresIn < 1 || expiresIn > MAX_EXPIRES_SECONDS)) {
    const message = `expected 1 to ${MAX_EXPIRES_SECONDS} seconds`;
    throw badInput([{ path: ['expiresIn'], message, code: 'out_of_range' }]);
  }
  return {
    expiresInSeconds: expiresIn ?? artifactUrlTtlSeconds,
    download: download ?? false,
    ...(expiresAt === null ? {} : { notAfter: expiresAt }),
  };
}

/** The address of the artifact as it is. */
export function addressOf(source: ArtifactOfJob, args: AddressArguments, services: GraphServices): Promise<string> {
  const { key, filename, contentType } = source.artifact;
  return services.artifacts.url(key, { filename, contentType, ...addressOptions(source, args, services) });
}

/** An artifact with what its address depends on: when its job's results are removed, in milliseconds since 1970. */
export interface ArtifactOfJob {
  artifact: Artifact;
  expiresAt: number | null;
}
