import { createHmac } from 'node:crypto';
import type { UrlOptions } from '../artifacts/artifact-store.ts';
import { contentHeaders } from '../artifacts/content-headers.ts';
import { safeFilename } from '../artifacts/filename.ts';
import { type Grant, signedQuery, verifiedGrant } from '../artifacts/signed-query.ts';
import { signingWindow } from '../artifacts/signing-window.ts';
import { badInput, unavailable } from '../core/errors.ts';
import type { Artifact } from '../core/job.ts';
import { isRedisDown } from '../redis/is-down.ts';
import { formats, type Variant, variantFilename, variantKey, variantName } from './variant.ts';

/** What addresses of variants begin with, at the gateway. The key follows. */
export const VARIANTS_PATH = '/variants/';

/** One variant of one artifact; claims of an artifact are forgotten at `expiresAt`, in milliseconds since 1970. */
export interface VariantClaim {
  artifactId: string;
  name: string;
  expiresAt: number;
}

export interface VariantClaims {
  /**
   * Of each claim whether it stands, when no artifact may have more than `most`. Throws when Redis cannot be reached.
   */
  claim(claims: VariantClaim[], most: number): Promise<boolean[]>;
}

export interface VariantAddresses {
  /**
   * A signed address of the gateway at which a variant can be had; the same for a while. Claims of one tick are one
   * round trip. Rejects with BAD_USER_INPUT when the artifact has enough variants, with UNAVAILABLE without Redis.
   */
  url(artifact: Artifact, variant: Variant, options: VariantUrlOptions): Promise<string>;
  /** What an address grants of which `key` follows VARIANTS_PATH; null when it was altered or is over. */
  verified(key: string, query: URLSearchParams): Grant | null;
}

export type VariantUrlOptions = Pick<UrlOptions, 'expiresInSeconds' | 'download' | 'notAfter'>;

export interface VariantAddressesOptions {
  claims: VariantClaims;
  /** Of the gateway, as browsers reach it, without a slash at its end. */
  publicUrl: string;
  /** The same for every gateway. */
  secret: string;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Told why a call was answered UNAVAILABLE. */
  onRedisDown: (error: unknown) => void;
}

/** What a page with `srcset` needs, several times over. */
const MOST_VARIANTS = 16;
/** For an artifact whose job does not say when it expires: as long as an address can live. */
const CLAIM_LIFE_MS = 604_800_000;

export function createVariantAddresses(options: VariantAddressesOptions): VariantAddresses {
  const { publicUrl, now } = options;
  // Signs nothing that the secret signs elsewhere.
  const secret = createHmac('sha256', options.secret).update('variant-address-1').digest('base64url');
  const claim = batched(options);

  return {
    async url(artifact, variant, { expiresInSeconds, download, notAfter }) {
      const expiresAt = notAfter ?? now() + CLAIM_LIFE_MS;
      if (!(await claim({ artifactId: artifact.id, name: variantName(variant), expiresAt }))) {
        const message = `at most ${MOST_VARIANTS} different pictures are made of one artifact`;
        throw badInput([{ path: ['width'], message, code: 'too_many' }]);
      }
      const expires = signingWindow(now(), expiresInSeconds, notAfter).expiresAtMs / 1000;
      const filename = safeFilename(variantFilename(artifact.filename, variant));
      const { disposition } = contentHeaders(formats[variant.format].contentType, filename, download);
      const key = variantKey(artifact.key, variant);
      return `${publicUrl}${VARIANTS_PATH}${key}?${signedQuery({ key, expires, disposition, filename }, secret)}`;
    },
    verified: (key, query) => verifiedGrant(key, query, secret, now()),
  };
}

/** Collects the claims of one tick into one round trip. */
function batched({ claims, onRedisDown }: VariantAddressesOptions): (claim: VariantClaim) => Promise<boolean> {
  let batch: { claims: VariantClaim[]; answers: Promise<boolean[]> } | null = null;

  async function send(wanted: VariantClaim[]): Promise<boolean[]> {
    // The other resolvers of the tick have their turn first.
    await Promise.resolve();
    batch = null;
    try {
      return await claims.claim(wanted, MOST_VARIANTS);
    } catch (error) {
      if (!isRedisDown(error)) throw error;
      onRedisDown(error);
      throw unavailable('Redis cannot be reached', 2, error);
    }
  }

  return async (claim) => {
    if (!batch) {
      const wanted: VariantClaim[] = [];
      batch = { claims: wanted, answers: send(wanted) };
    }
    const at = batch.claims.push(claim) - 1;
    return (await batch.answers)[at] ?? false;
  };
}
