import { GraphQLError, Kind, type ValueNode } from 'graphql';
import { excerpt } from '../../core/errors.ts';
import { exactNumber } from '../../core/exact-json.ts';
import type { Json } from '../../core/job.ts';
import type { Builder } from '../builder.ts';

/** Deeper than any graph of ComfyUI, shallow enough for whatever walks the value by recursion. */
const MAX_DEPTH = 64;

type Path = readonly (string | number)[];

function refuse(path: Path, expected: string): never {
  throw new GraphQLError(path.length ? `${expected} at ${excerpt(path.join('.'))}` : expected);
}

function checkNumber(value: number, path: Path): number {
  if (Number.isFinite(value)) return value;
  return refuse(path, 'expected numbers of less than 1.8e308 either side of 0, not the one');
}

function checkKey(key: string, path: Path): void {
  if (key === '__proto__') refuse(path, 'expected no key __proto__');
}

/** A value out of `parseExactJson`: copied, with a bounded depth and no infinite number. */
export function parseJson(value: unknown, path: Path = []): Json {
  if (path.length > MAX_DEPTH) refuse([], `expected at most ${MAX_DEPTH} levels`);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return checkNumber(value, path);
  if (Array.isArray(value)) return value.map((item, i) => parseJson(item, [...path, i]));
  if (typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        checkKey(key, path);
        return [key, parseJson(item, [...path, key])];
      }),
    );
  }
  return refuse(path, 'expected a JSON value');
}

/** The same for a value written into the document, where variables may stand for its parts. */
export function parseJsonLiteral(
  node: ValueNode,
  variables?: { [name: string]: unknown } | null,
  path: Path = [],
): Json {
  if (path.length > MAX_DEPTH) refuse([], `expected at most ${MAX_DEPTH} levels`);
  switch (node.kind) {
    case Kind.NULL:
      return null;
    case Kind.STRING:
    case Kind.BOOLEAN:
    case Kind.ENUM:
      return node.value;
    case Kind.INT:
    case Kind.FLOAT: {
      const number = exactNumber(node.value);
      return typeof number === 'string' ? number : checkNumber(number, path);
    }
    case Kind.LIST:
      return node.values.map((item, i) => parseJsonLiteral(item, variables, [...path, i]));
    case Kind.OBJECT:
      return Object.fromEntries(
        node.fields.map(({ name: { value: key }, value }) => {
          checkKey(key, path);
          return [key, parseJsonLiteral(value, variables, [...path, key])];
        }),
      );
    case Kind.VARIABLE:
      return parseJson(variables?.[node.name.value] ?? null, path);
  }
}

export function addJson(builder: Builder): void {
  builder.scalarType('JSON', {
    description:
      'Any JSON value. No number is rounded: a whole one beyond 2^53-1 becomes the text of its digits. Refused are ' +
      'numbers from 1.8e308 on, the key `__proto__` and more than 64 levels.',
    specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
    serialize: (value) => value,
    parseValue: (value) => parseJson(value),
    parseLiteral: (node, variables) => parseJsonLiteral(node, variables),
  });
}
