import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { Identity } from '../callers/identity.ts';
import type { GraphServices } from '../graphql/context.ts';
import type { DataUploads } from '../uploads/data-uploads.ts';
import type { VariantMaker } from '../variants/make-variants.ts';

/** What tools work with: the same use cases as the resolvers of GraphQL. */
export interface McpServices extends GraphServices {
  artifacts: Pick<ArtifactStore, 'url' | 'read'>;
  dataUploads: DataUploads;
  variantMaker: Pick<VariantMaker, 'ensure'>;
}

/** One HTTP request, and who sent it. */
export interface McpCall {
  identity: Identity;
  requestId: string;
  /** Of the connection, for the audit log. */
  address?: string | undefined;
  /** Whom it is counted against, see client-address.ts. */
  client: string;
  /** What a client of 2025 names its session by; null where it names none. */
  session: string | null;
  /** Counts bytes that are kept for the answer. False: there is no room for them. */
  keep(bytes: number): boolean;
  /** Aborts when the client has left, without a reason; with a GatewayError when its key or token has ended. */
  signal: AbortSignal;
}
