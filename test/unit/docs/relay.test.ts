import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, parse, print, validate } from 'graphql';
import { expect, test } from 'vitest';
import { readDocsPage } from '../../support/docs-page.ts';
import relayArtifacts from '../../support/relay-artifacts.json' with { type: 'json' };

const root = join(import.meta.dirname, '../../..');
const artifacts: { [file: string]: string } = relayArtifacts;

test("what Relay's compiler made of the page is of its texts as they are (node scripts/compile-relay.ts)", () => {
  const written = readDocsPage('relay.md').files.flatMap(({ content }) => [
    ...content.matchAll(/graphql`(\s*(?:query|mutation|subscription|fragment)\s+(\w+)[^`]*)`/g),
  ]);
  const hashes = written.map(([, text = '', name]) => {
    return [
      `${name}.graphql.ts`,
      createHash('md5')
        .update(print(parse(text)))
        .digest('hex'),
    ];
  });
  const made = Object.entries(artifacts).map(([file, text]) => [file, /\.hash = "(\w+)"/.exec(text)?.[1]]);
  expect(made).toEqual(hashes.sort());
});

test("what Relay's compiler made of the page is valid by the schema", () => {
  const schema = buildSchema(readFileSync(join(root, 'schema.graphql'), 'utf8'));
  const texts = Object.values(artifacts).flatMap((text) => {
    const [, json] = /^ {4}"text": (".*")$/m.exec(text) ?? [];
    return json === undefined ? [] : [String(JSON.parse(json))];
  });
  expect(texts).toHaveLength(3);
  for (const text of texts) expect(validate(schema, parse(text))).toEqual([]);
});
