import { type Lifetime, signingWindow } from '../../artifacts/signing-window.ts';
import { badInput } from '../../core/errors.ts';
import type { Artifact } from '../../core/job.ts';
import type { GraphServices } from '../context.ts';
import type { FieldWeight } from '../engine/document-cost.ts';

/** S3 signs for no longer. */
const MAX_EXPIRES_SECONDS = 604_800;

export const addressTexts = {
  url:
    'A signed address that needs no other credential. The same for a while, so that browsers cache: without ' +
    '`expiresIn` for as long as the configuration says, an hour unless it says otherwise.',
  expiresIn:
    "For how many seconds it works, 1 to 604800, and never past the job's `expiresAt`; absent: see `urlExpiresAt`.",
  download: 'Whether browsers save the file instead of showing it.',
};

/** Each is signed. */
export const addressWeight = { cost: 20 } satisfies FieldWeight;

interface AddressArguments {
  expiresIn?: number | null | undefined;
  download?: boolean | null | undefined;
}

/** For how long and for what an address is signed. Throws BAD_USER_INPUT. */
export function addressOptions(
  { expiresAt }: ArtifactOfJob,
  { expiresIn, download }: AddressArguments,
  { artifactUrlTtlSeconds }: GraphServices,
): Lifetime & { download: boolean } {
  if (expiresIn != null && (expiresIn < 1 || expiresIn > MAX_EXPIRES_SECONDS)) {
    const message = `expected 1 to ${MAX_EXPIRES_SECONDS} seconds`;
    throw badInput([{ path: ['expiresIn'], message, code: 'out_of_range' }]);
  }
  return {
    expiresInSeconds: expiresIn ?? artifactUrlTtlSeconds,
    download: download ?? false,
    ...(expiresAt === null ? {} : { notAfter: expiresAt }),
    // Who names no time is shown the picture: what matters is that its address does not change under the page.
    ...(expiresIn == null && { steady: true }),
  };
}

/** Until when an address without arguments works, in milliseconds since 1970. */
export function addressExpiresAt(source: ArtifactOfJob, services: GraphServices): number {
  return signingWindow(services.now(), addressOptions(source, {}, services)).expiresAtMs;
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
