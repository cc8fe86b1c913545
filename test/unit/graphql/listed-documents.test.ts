import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { readListedDocuments } from '../../../src/graphql/engine/listed-documents.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const body = '{ workflows { name } }';
const file = (content: unknown, name = 'web.json') => ({ name, text: JSON.stringify(content) });

test("a list of GraphQL Code Generator's, of Apollo's and of names of one's own are read alike", () => {
  const manifest = {
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [{ id: sha256(body), name: 'Names', type: 'query', body }],
  };
  for (const content of [{ [`sha256:${sha256(body)}`]: body }, { [sha256(body)]: body }, manifest]) {
    const listed = readListedDocuments([file(content)]);
    expect(listed.get(sha256(body))).toBe(body);
    expect(listed.hasText(body)).toBe(true);
    expect(listed.hasText(`${body} `)).toBe(false);
  }
  expect(readListedDocuments([file({ 'names.v1': body })]).get('names.v1')).toBe(body);
});

test('files may have documents in common, but no name two', () => {
  const other = '{ health { status } }';
  const both = readListedDocuments([file({ a: body }), file({ a: body, b: other }, 'phone.json')]);
  expect([both.get('a'), both.get('b')]).toEqual([body, other]);
  expect(() => readListedDocuments([file({ a: body }), file({ a: other }, 'phone.json')])).toThrow(
    'phone.json: a stands for two documents',
  );
});

test.each([
  ['a hash of another document', { [sha256('other')]: body }, 'is not the SHA-256 of its document'],
  ['what is no list', [body], 'web.json: expected {"<hash>": "<document>"}'],
  ['documents that are no texts', { a: { body } }, 'web.json: expected'],
  ['a manifest without bodies', { format: 'apollo-persisted-query-manifest', operations: [{ id: 'a' }] }, 'expected'],
])('%s is refused with the name of the file', (_what, content, message) => {
  expect(() => readListedDocuments([file(content)])).toThrow(message);
});

test('what is half written is refused, and what is more than a gateway should hold', () => {
  expect(() => readListedDocuments([{ name: 'web.json', text: '{"a": "{ work' }])).toThrow('web.json: expected JSON');
  const many = Object.fromEntries(Array.from({ length: 20_001 }, (_, i) => [`d${i}`, body]));
  expect(() => readListedDocuments([file(many)])).toThrow('at most 20000 documents, got 20001');
  expect(() => readListedDocuments([{ name: 'web.json', text: ' '.repeat(17 * 1024 * 1024) }])).toThrow('bytes');
});

test('names that objects have by themselves stand for no document', () => {
  const listed = readListedDocuments([file({ a: body })]);
  for (const name of ['__proto__', 'constructor', 'toString']) expect(listed.get(name)).toBeUndefined();
});
