import { type DocumentNode, GraphQLError, Kind, parse, type SelectionSetNode, visit } from 'graphql';
import { excerpt } from '../../core/errors.ts';

export interface DocumentLimits {
  maxCharacters: number;
  maxTokens: number;
  /** Levels of fields, introspection apart (graphql-js bounds that itself). */
  maxDepth: number;
  /** Fields after fragments were put in. */
  maxFields: number;
  maxAliases: number;
  maxDirectives: number;
  /** Of one field, fragment or operation. */
  maxDirectivesAtOnePlace: number;
  maxRootQueries: number;
  maxRootMutations: number;
  /** Pages of jobs, each of which may be megabytes. */
  maxLists: number;
  /** Points, with the variables of an operation: see document-cost.ts. */
  maxCost: number;
}

/**
 * Several times what the schema can use; GraphiQL's introspection query has about 1,700 characters, 300 tokens and 150
 * fields.
 */
export const defaultDocumentLimits: DocumentLimits = {
  maxCharacters: 65_536,
  maxTokens: 10_000,
  maxDepth: 15,
  maxFields: 1_000,
  maxAliases: 30,
  maxDirectives: 50,
  maxDirectivesAtOnePlace: 4,
  maxRootQueries: 30,
  maxRootMutations: 10,
  maxLists: 5,
  // Near two pages of a hundred jobs with all their fields: a fifth of a second of a gateway's processor at most.
  maxCost: 100_000,
};

function limitExceeded(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED' } });
}

/** LIMIT_EXCEEDED of an operation, with its cost and the limit in numbers. */
export function costsTooMuch(cost: number, limit: number): GraphQLError {
  const message =
    `The document costs ${cost}; at most ${limit} are allowed: ask for fewer jobs at once, by \`first\`, or for ` +
    'fewer texts, addresses and parameters of each.';
  return new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED', cost, limit } });
}

interface Size {
  depth: number;
  fields: number;
  aliases: number;
  /** Fields at the top level. */
  roots: number;
  /** `parameters` of jobs. */
  parameters: number;
  /**
   * `jobs` among the top level, each as often as it gives the parameters: under several names all are written again.
   */
  lists: number;
}

const nothing: Size = { depth: 0, fields: 0, aliases: 0, roots: 0, parameters: 0, lists: 0 };

/**
 * What a document costs once its fragments are put in; each fragment is measured once, so that no bomb goes off here.
 */
function createMeter(document: DocumentNode) {
  const sizes = new Map<string, Size>();

  function measureFragment(name: string): Size {
    const known = sizes.get(name);
    if (known) return known;
    // A fragment within itself counts as nothing: validation refuses it anyway.
    sizes.set(name, nothing);
    const definition = document.definitions.find(
      (candidate) => candidate.kind === Kind.FRAGMENT_DEFINITION && candidate.name.value === name,
    );
    const size = definition?.kind === Kind.FRAGMENT_DEFINITION ? measure(definition.selectionSet) : nothing;
    sizes.set(name, size);
    return size;
  }

  function measure({ selections }: SelectionSetNode): Size {
    const total = { ...nothing };
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        const inner = selection.selectionSet ? measure(selection.selectionSet) : nothing;
        const meta = selection.name.value.startsWith('__');
        total.depth = Math.max(total.depth, meta ? 1 : 1 + inner.depth);
        total.fields += 1 + inner.fields;
        total.aliases += (selection.alias ? 1 : 0) + inner.aliases;
        total.roots += 1;
        total.parameters += selection.name.value === 'parameters' ? 1 : inner.parameters;
        total.lists += selection.name.value === 'jobs' ? Math.max(1, inner.parameters) : 0;
      } else {
        const inner =
          selection.kind === Kind.FRAGMENT_SPREAD
            ? measureFragment(selection.name.value)
            : measure(selection.selectionSet);
        total.depth = Math.max(total.depth, inner.depth);
        total.fields += inner.fields;
        total.aliases += inner.aliases;
        total.roots += inner.roots;
        total.parameters += inner.parameters;
        total.lists += inner.lists;
      }
    }
    return total;
  }

  return measure;
}

/** Throws LIMIT_EXCEEDED. Comes before validation, whose time grows with the square of the number of fields. */
export function checkDocumentLimits(document: DocumentNode, limits: DocumentLimits): void {
  const bound = (what: string, value: number, most: number) => {
    if (value > most) throw limitExceeded(`The document has ${value} ${what}; at most ${most} are allowed.`);
  };
  let directives = 0;
  let atOnePlace = 0;
  visit(document, {
    enter(node) {
      const { length = 0 } = ('directives' in node && node.directives) || [];
      directives += length;
      atOnePlace = Math.max(atOnePlace, length);
    },
  });
  bound('directives', directives, limits.maxDirectives);
  bound('directives at one place', atOnePlace, limits.maxDirectivesAtOnePlace);
  const measure = createMeter(document);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const size = measure(definition.selectionSet);
    bound('levels of fields', size.depth, limits.maxDepth);
    bound('fields', size.fields, limits.maxFields);
    bound('aliases', size.aliases, limits.maxAliases);
    bound('lists of jobs or of their parameters', size.lists, limits.maxLists);
    const mutates = definition.operation === 'mutation';
    bound('fields at its root', size.roots, mutates ? limits.maxRootMutations : limits.maxRootQueries);
  }
}

/** The text of a document as its AST without locations, within the limits. Throws a GraphQLError with its code. */
export function parseDocument(text: string, limits: DocumentLimits): DocumentNode {
  let document: DocumentNode;
  try {
    document = parse(text, { maxTokens: limits.maxTokens, noLocation: true });
  } catch (error) {
    // The parser descends by recursion.
    if (error instanceof RangeError) throw limitExceeded('The document is nested too deeply.');
    if (!(error instanceof GraphQLError)) throw error;
    if (error.message.includes(`more that ${limits.maxTokens} tokens`)) {
      throw limitExceeded(`The document has more than ${limits.maxTokens} tokens.`);
    }
    throw new GraphQLError(excerpt(error.message), {
      source: error.source,
      positions: error.positions,
      extensions: { code: 'GRAPHQL_PARSE_FAILED' },
    });
  }
  // Behind the parser, which says of a bomb what it consists of.
  if (text.length > limits.maxCharacters) {
    throw limitExceeded(`The document has ${text.length} characters; at most ${limits.maxCharacters} are allowed.`);
  }
  checkDocumentLimits(document, limits);
  return document;
}
