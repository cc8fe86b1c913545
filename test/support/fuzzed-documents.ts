import fc from 'fast-check';

/** Valid documents, which mutations begin with. */
const DOCUMENTS = [
  '{ __typename }',
  'query A($id: ID!) { job(id: $id) { id status parameters artifacts { url ... on ImageArtifact { width } } } }',
  `query A($first: Int = 3, $filter: JobFilter) {
    jobs(first: $first, filter: $filter) { nodes { ...J } pageInfo { hasNextPage endCursor } } }
  fragment J on Job { id tags progress { fraction node { classType } } error { code message } }`,
  '{ jobs(filter: { status: [QUEUED, RUNNING], tag: "a" }) { edges { cursor node { id queuePosition } } } }',
  '{ workflows { name parameters { name default choices { value } } } health { status checks { name since } } }',
  'query A($id: ID!) { job(id: $id, waitSeconds: 0) { id } backends { name status devices } }',
  'subscription Watch($id: ID!) { jobProgress(id: $id, afterSeq: 0, previews: true) { seq type at job { id } } }',
  'subscription { jobsProgress(filter: { status: [FAILED], createdAfter: "2026-01-01T00:00:00Z" }) { seq } }',
  `mutation A($input: GenerateInput!) { generate(input: $input) { replayed job { id status } } }`,
  'mutation { cancelJob(id: "01a22255-bea8-7252-a416-e695ef28b275") { id } deleteJob(id: "x") }',
  'mutation { createUpload(input: { filename: "x", contentType: "image/png", size: 1 }) { id url headers } }',
  'query A { __schema { types { name fields { name args { name type { name ofType { name } } } } } } }',
];

/** How often something is written; the last are beyond every bound. */
const times = fc.constantFrom(1, 2, 3, 31, 60, 1_100, 12_000);
const MAX_CHARACTERS = 1_200_000;
const MAX_CHANGED_CHARACTERS = 4_000;

const VALUES = [
  'null',
  '-1',
  '1e999',
  '9007199254740993',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '[[[]]]',
  '{ __proto__: 1 }',
  '$id',
  'X',
];
const DIRECTIVES = ['@skip(if: true)', '@include(if: false)', '@include(if: $x)', '@nothing', '@skip', '@deprecated'];

/** Changes one place of a document. `at` says which, in any number. */
interface Mutation {
  at: number;
  change: (document: string, at: number) => string;
}

const anywhere = (document: string, at: number) => at % (document.length + 1);

/** Replaces one of the places that match, if there is one. */
function replaceOne(document: string, pattern: RegExp, at: number, by: (found: string) => string): string {
  const found = [...document.matchAll(pattern)];
  const place = found[at % Math.max(1, found.length)];
  if (!place) return document;
  return document.slice(0, place.index) + by(place[0]) + document.slice(place.index + place[0].length);
}

const FIELD = /(?<=[{\s])[a-z]\w*(?=[\s({])/g;
const VALUE = /(?<=: )(?:"[^"]*"|\d+|\$\w+|[A-Z]+|true)(?=[,)\s])/g;
const SELECTION = /\{[^{}]*\}/g;
const NAME = /[A-Za-z_]\w*/g;

const changes: fc.Arbitrary<Mutation['change']>[] = [
  // The same field under many names.
  times.map(
    (n) => (document, at) =>
      replaceOne(document, FIELD, at, (field) => `${Array.from({ length: n }, (_, i) => `a${i}: ${field}`).join(' ')}`),
  ),
  // Fragments: unknown, within themselves, many.
  fc.tuple(times, fc.constantFrom('F', 'G', 'J')).map(
    ([n, name]) =>
      (document, at) =>
        `${replaceOne(document, SELECTION, at, (inner) => inner.replace('{', `{ ${`...${name} `.repeat(n)}`))}
      fragment F on Job { id ...G } fragment G on Job { ...F }`,
  ),
  // Selections within selections.
  times.map(
    (n) => (document, at) =>
      replaceOne(document, SELECTION, at, (inner) => `${'{ ... '.repeat(n)}${inner}${' }'.repeat(n)}`),
  ),
  fc.tuple(times, fc.constantFrom(...DIRECTIVES)).map(
    ([n, directive]) =>
      (document, at) =>
        replaceOne(document, FIELD, at, (field) => `${field} ${`${directive} `.repeat(n)}`),
  ),
  // Lists, and values of other types.
  fc.tuple(times, fc.constantFrom(...VALUES)).map(
    ([n, value]) =>
      (document, at) =>
        replaceOne(document, VALUE, at, (given) => `[${`${given}, `.repeat(n)}${value}]`),
  ),
  fc.constantFrom(...VALUES).map((value) => (document, at) => replaceOne(document, VALUE, at, () => value)),
  fc.tuple(times, fc.string({ unit: 'binary', maxLength: 12 })).map(
    ([n, text]) =>
      (document, at) =>
        replaceOne(document, VALUE, at, () => JSON.stringify(text.repeat(n))),
  ),
  times.map((n) => (document, at) => replaceOne(document, NAME, at, (name) => name.repeat(n))),
  // Text that does not care for the grammar.
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => (document, at) => {
    const place = anywhere(document, at);
    return document.slice(0, place) + text + document.slice(place);
  }),
  fc.nat().map((length) => (document, at) => {
    const place = anywhere(document, at);
    return document.slice(0, place) + document.slice(place + (length % 40));
  }),
  times.map((n) => (document, at) => document.slice(0, anywhere(document, at)).repeat(n)),
  fc.constantFrom(...DOCUMENTS).map((other) => (document) => `${document} ${other}`),
];

/** A valid document after a few mutations. */
export const mutatedDocument: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...DOCUMENTS),
    fc.array(fc.record({ at: fc.nat(), change: fc.oneof(...changes) }), { maxLength: 4 }),
  )
  .map(([document, mutations]) =>
    mutations.reduce((text, { at, change }) => {
      // What has been repeated is not repeated again, which would take gigabytes here.
      const changed = text.length > MAX_CHANGED_CHARACTERS ? text : change(text, at);
      return changed.slice(0, MAX_CHARACTERS);
    }, document),
  );
