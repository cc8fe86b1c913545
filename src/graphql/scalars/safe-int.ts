import { GraphQLError, Kind, type ValueNode } from 'graphql';
import type { Builder } from '../builder.ts';

const EXPECTED = 'expected an integer from -(2^53-1) to 2^53-1';

export function parseSafeInt(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new GraphQLError(EXPECTED);
}

/** A literal's text is exact, whatever its length; `1e3` and `1.0` are not integers there. */
export function parseSafeIntLiteral(node: ValueNode): number {
  if (node.kind !== Kind.INT) throw new GraphQLError(EXPECTED, { nodes: node });
  return parseSafeInt(Number(node.value));
}

export function addSafeInt(builder: Builder): void {
  builder.scalarType('SafeInt', {
    description:
      'An integer from -(2^53-1) to 2^53-1, which is what JSON numbers hold without loss. Never a string, never ' +
      'rounded.',
    // I-JSON: which integers every reader of JSON takes without loss.
    specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc7493#section-2.2',
    serialize: (value) => value,
    parseValue: parseSafeInt,
    parseLiteral: parseSafeIntLiteral,
  });
}
