import { GraphQLError } from 'graphql';
import type { ListedDocuments } from './listed-documents.ts';

export interface PersistedOptions {
  listed: ListedDocuments;
  /** Whether no other documents are executed. */
  only: boolean;
}

/** What a request may name its document by, and what may stand beside that; as it was sent. */
export interface NamingRequest {
  query?: unknown;
  /** As in GraphQL over HTTP: `sha256:` and the hash, or a name. */
  documentId?: unknown;
  /** With `persistedQuery.sha256Hash`, as Apollo's and urql's clients send it. */
  extensions?: unknown;
}

interface PersistedDocuments {
  /**
   * The text of the document that is named; null where none is, or one that is not listed while the request brings a
   * text as well. Throws a GraphQLError in the words by which clients know whether to send the text.
   */
  named(request: NamingRequest): string | null;
  /** Throws PERSISTED_QUERY_ONLY where the text may not be executed. */
  check(text: string): void;
}

export function createPersistedDocuments(options?: PersistedOptions): PersistedDocuments {
  return {
    named({ query, documentId, extensions }) {
      const id = idIn(documentId) ?? idIn(hashIn(extensions));
      if (id === null) return null;
      const text = options?.listed.get(id);
      if (text !== undefined) return text;
      if (query) return null;
      // What clients send is not stored: whoever may make a gateway keep documents would fill it.
      throw options
        ? refused('PersistedQueryNotFound', 'PERSISTED_QUERY_NOT_FOUND')
        : refused('PersistedQueryNotSupported', 'PERSISTED_QUERY_NOT_SUPPORTED');
    },
    check(text) {
      if (!options?.only || options.listed.hasText(text)) return;
      const message = 'Only documents that this gateway lists are executed: send the hash of one of them.';
      throw refused(message, 'PERSISTED_QUERY_ONLY');
    },
  };
}

function refused(message: string, code: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

function idIn(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.replace(/^sha256:/, '') : null;
}

function hashIn(extensions: unknown): unknown {
  const known = typeof extensions === 'object' && extensions !== null && 'persistedQuery' in extensions;
  const { persistedQuery } = known ? extensions : { persistedQuery: null };
  if (typeof persistedQuery !== 'object' || persistedQuery === null) return null;
  return 'sha256Hash' in persistedQuery ? persistedQuery.sha256Hash : null;
}
