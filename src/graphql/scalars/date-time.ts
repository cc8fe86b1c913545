import { GraphQLError } from 'graphql';
import type { Builder } from '../builder.ts';

const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** Milliseconds since 1970. `Date.parse` alone takes far more than RFC 3339 and moves 30 February into March. */
export function parseInstant(value: unknown): number {
  const match = typeof value === 'string' ? RFC_3339.exec(value) : null;
  if (match && typeof value === 'string') {
    const ms = Date.parse(value.toUpperCase());
    const day = Number(match[3]);
    const daysInMonth = new Date(Date.UTC(Number(match[1]), Number(match[2]), 0)).getUTCDate();
    if (!Number.isNaN(ms) && day <= daysInMonth) return ms;
  }
  throw new GraphQLError('expected an instant in RFC 3339 such as 2030-01-31T12:00:00.000Z');
}

export function addDateTime(builder: Builder): void {
  builder.scalarType('DateTime', {
    description: 'An instant in RFC 3339. Given in UTC with milliseconds; taken with any offset.',
    specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
    serialize: (ms) => new Date(ms).toISOString(),
    parseValue: parseInstant,
  });
}
