import { GatewayError, unauthenticated } from '../core/errors.ts';

/** What was wrong with credentials. */
export const refusalReasons = [
  /** Nothing of it is a key or token of a form that is taken here, or it has a typo. */
  'malformed',
  /** A key that there is not, or a signature that is not of its key. */
  'unknown',
  'revoked',
  'expired',
  /** A key that signs was sent itself, or a key that does not was signed with. */
  'not_signed',
  /** A signed request's time is too far off, or it was sent before. */
  'replayed',
  /** A token of another issuer or audience, or with another signature. */
  'untrusted',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** The cause of UNAUTHENTICATED, for metrics and the audit log; whoever calls is not told. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: RefusalReason;
  /** Of the API key, where it is known which one it is. */
  readonly keyId: string | null;

  constructor(reason: RefusalReason, keyId: string | null = null, options?: ErrorOptions) {
    super(reason, options);
    this.reason = reason;
    this.keyId = keyId;
  }
}

export function refused(...why: ConstructorParameters<typeof Refusal>): GatewayError {
  return unauthenticated(new Refusal(...why));
}

/** Why credentials were refused; null for any other error. */
export function refusalOf(error: unknown): Refusal | null {
  return error instanceof GatewayError && error.cause instanceof Refusal ? error.cause : null;
}
