import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Graph } from '../../../../src/core/graph.ts';
import { objectInfoSchema } from '../../../../src/core/object-info.ts';

export interface EditorCase {
  name: string;
  /** What it is about. */
  note: string;
  workflow: unknown;
  /** What ComfyUI's editor exports of it (frontend 1.49.6), or what is right where that fails; null: it is refused. */
  expected: Graph | null;
  refused?: string[];
}

/** Workflows made by hand, of one behaviour each, and the classes that they use. */
export function editorCases(group: 'unit' | 'unit-custom') {
  const packed = readFileSync(new URL(`../../../fixtures/editor/${group}.json.gz`, import.meta.url));
  const { classes, cases } = JSON.parse(gunzipSync(packed).toString()) as {
    classes: { [name: string]: { input: { [group: string]: { [input: string]: unknown } } } };
    cases: EditorCase[];
  };
  return { classes, cases, nodeDefinitions: objectInfoSchema.parse(classes) };
}
