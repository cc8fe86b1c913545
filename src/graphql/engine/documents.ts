import { type ASTNode, type DocumentNode, GraphQLError, parse, visit } from 'graphql';
import { LRUCache } from 'lru-cache';
import { type DocumentLimits, parseDocument } from './document-limits.ts';

/** A document as its tree, which is without locations: they would take twice as much memory as all the rest. */
export interface ParsedDocument {
  text: string;
  document: DocumentNode;
  /** What it takes in memory, its text included; rather too much than too little. */
  bytes: number;
}

export interface Documents {
  /** Throws a GraphQLError. A text that came lately, or that an open operation holds, is not parsed again. */
  parse(text: string): DocumentNode;
  /** What has been parsed here. */
  of(document: DocumentNode): ParsedDocument;
  /** Keeps it until it is disposed of: equal texts have one tree. */
  hold(document: DocumentNode): Disposable;
  /** The same tree again, with locations. */
  located(document: DocumentNode): DocumentNode;
  /** Errors of its execution, with their places in the text. */
  place(document: DocumentNode, errors: readonly GraphQLError[]): GraphQLError[];
}

/** Of documents that came lately. */
const MAX_CACHED_BYTES = 32 * 1024 * 1024;
/** Measured: 215 for a field without anything, 40 to 90 in values and elsewhere. */
const BYTES_PER_TOKEN = 220;
/** The text, and once more where it is one long string. */
const BYTES_PER_CHARACTER = 2;
const BYTES_PER_DOCUMENT = 2_000;

export function createDocuments(limits: DocumentLimits): Documents {
  const recent = new LRUCache<string, ParsedDocument>({
    maxSize: MAX_CACHED_BYTES,
    sizeCalculation: ({ bytes }) => bytes,
  });
  const held = new Map<string, { parsed: ParsedDocument; times: number }>();
  const known = new WeakMap<DocumentNode, ParsedDocument>();

  function of(document: DocumentNode): ParsedDocument {
    const parsed = known.get(document);
    if (!parsed) throw new Error('a document that was not parsed here');
    return parsed;
  }

  // Within the limits by now.
  const located = (document: DocumentNode) => parse(of(document).text);

  return {
    parse(text) {
      const before = recent.get(text) ?? held.get(text)?.parsed;
      if (before) return before.document;
      const document = parseDocument(text, limits);
      const size = (document.tokenCount ?? 0) * BYTES_PER_TOKEN + text.length * BYTES_PER_CHARACTER;
      const parsed = { text, document, bytes: size + BYTES_PER_DOCUMENT };
      recent.set(text, parsed);
      known.set(document, parsed);
      return document;
    },

    of,

    hold(document) {
      const parsed = of(document);
      const holding = held.get(parsed.text) ?? { parsed, times: 0 };
      holding.times++;
      held.set(parsed.text, holding);
      return {
        [Symbol.dispose]() {
          if (--holding.times === 0) held.delete(parsed.text);
        },
      };
    },

    located,

    place(document, errors) {
      const order = new Map(nodesOf(document).map((node, i) => [node, i]));
      const twins = nodesOf(located(document));
      return errors.map(({ message, nodes = [], path = null, extensions }) => {
        const placed = nodes.flatMap((node) => twins[order.get(node) ?? -1] ?? []);
        return new GraphQLError(message, { nodes: placed, path, extensions });
      });
    },
  };
}

/** In the order in which they stand in the text. */
function nodesOf(document: DocumentNode): ASTNode[] {
  const nodes: ASTNode[] = [];
  visit(document, {
    enter(node) {
      nodes.push(node);
    },
  });
  return nodes;
}
