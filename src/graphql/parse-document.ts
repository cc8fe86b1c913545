import { type DocumentNode, GraphQLError, parse } from 'graphql';
import { checkDocumentLimits, type DocumentLimits, limitExceeded } from './engine/document-limits.ts';

/** The text of a document as its AST, within the limits. Throws a GraphQLError with its code. */
export function parseDocument(text: string, limits: DocumentLimits): DocumentNode {
  let document: DocumentNode;
  try {
    document = parse(text, { maxTokens: limits.maxTokens, noLocation: false });
  } catch (error) {
    // The parser descends by recursion.
    if (error instanceof RangeError) throw limitExceeded('The document is nested too deeply.');
    if (!(error instanceof GraphQLError)) throw error;
    if (error.message.includes(`more that ${limits.maxTokens} tokens`)) {
      throw limitExceeded(`The document has more than ${limits.maxTokens} tokens.`);
    }
    throw new GraphQLError(error.message, {
      source: error.source,
      positions: error.positions,
      extensions: { code: 'GRAPHQL_PARSE_FAILED' },
    });
  }
  checkDocumentLimits(document, limits);
  return document;
}
