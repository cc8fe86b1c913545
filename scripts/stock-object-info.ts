// node scripts/stock-object-info.ts FILE: makes src/workflows/stock-object-info.json.br of what a ComfyUI without
// custom nodes and without models answers to `GET /object_info`. The one that is kept is of ComfyUI 0.33.0.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { brotliCompressSync } from 'node:zlib';
import * as z from 'zod';
import { parseExactJson } from '../src/core/exact-json.ts';
import { objectInfoSchema } from '../src/core/object-info.ts';

/** What is only for people, half of the text. */
const LEFT_OUT = new Set([
  'description',
  'category',
  'essentials_category',
  'search_aliases',
  'output_tooltips',
  'price_badge',
]);

const file = z.string('usage: node scripts/stock-object-info.ts OBJECT_INFO.json').parse(argv[2]);
const answer = parseExactJson(readFileSync(file, 'utf8'));
const { size } = objectInfoSchema.parse(answer);
const classes = z.record(z.string(), z.record(z.string(), z.unknown())).parse(answer);
const kept = Object.entries(classes)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, known]) => [name, Object.fromEntries(Object.entries(known).filter(([key]) => !LEFT_OUT.has(key)))]);
// An input may be called `tooltip`; it is no text.
const text = JSON.stringify(Object.fromEntries(kept), (key, value) =>
  key === 'tooltip' && typeof value === 'string' ? undefined : value,
);
const packed = brotliCompressSync(text);
writeFileSync(join(import.meta.dirname, '../src/workflows/stock-object-info.json.br'), packed);
console.log(`${size} classes, ${packed.length} bytes`);
