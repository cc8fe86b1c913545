import { createHmac } from 'node:crypto';
import { contentHeaders } from '../artifacts/content-headers.ts';
import { safeFilename } from '../artifacts/filename.ts';
import { type Grant, signedQuery, verifiedGrant } from '../artifacts/signed-query.ts';
import { type Lifetime, signingWindow } from '../artifacts/signing-window.ts';
import type { Artifact } from '../core/job.ts';
import { formats, type Variant, variantFilename, variantKey } from './variant.ts';

/** What addresses of variants begin with, at the gateway. The key follows. */
export const VARIANTS_PATH = '/variants/';

export interface VariantAddresses {
  /** A signed address of the gateway at which a variant can be had; the same for a while. */
  url(artifact: Artifact, variant: Variant, options: VariantUrlOptions): string;
  /** What an address grants of which `key` follows VARIANTS_PATH; null when it was altered or is over. */
  verified(key: string, query: URLSearchParams): Grant | null;
}

/** `download` as in the options of the artifact itself. */
export type VariantUrlOptions = Lifetime & { download: boolean };

export interface VariantAddressesOptions {
  /** Of the gateway, as browsers reach it, without a slash at its end. */
  publicUrl: string;
  /** The same for every gateway. */
  secret: string;
  /** Milliseconds since 1970. */
  now: () => number;
}

export function createVariantAddresses(options: VariantAddressesOptions): VariantAddresses {
  const { publicUrl, now } = options;
  // Signs nothing that the secret signs elsewhere.
  const secret = createHmac('sha256', options.secret).update('variant-address-1').digest('base64url');

  return {
    url(artifact, variant, { download, ...lifetime }) {
      const expires = signingWindow(now(), lifetime).expiresAtMs / 1000;
      const filename = safeFilename(variantFilename(artifact.filename, variant));
      const { disposition } = contentHeaders(formats[variant.format].contentType, filename, download);
      const key = variantKey(artifact.key, variant);
      return `${publicUrl}${VARIANTS_PATH}${key}?${signedQuery({ key, expires, disposition, filename }, secret)}`;
    },
    verified: (key, query) => verifiedGrant(key, query, secret, now()),
  };
}
