import { isRecord } from './json.ts';

/** A node of a submitted prompt. Nothing about `inputs` is certain before validation. */
export interface GraphNode {
  class_type: string;
  inputs: Record<string, unknown>;
  [key: string]: unknown;
}

/** A prompt: node id -> node. */
export type Graph = Record<string, GraphNode>;

/** `[node id, output index]`. Every list of an input is read as a link; as a value it comes as `{__value__: [...]}`. */
export type Link = [string, number];

export function isLink(value: unknown): value is Link {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number';
}

/** The links among a node's inputs, in their order, with the names of the inputs. */
export function linksOf(node: GraphNode | undefined): Array<{ input: string; from: string; slot: number }> {
  if (!node || !isRecord(node.inputs)) return [];
  return Object.entries(node.inputs).flatMap(([input, value]) =>
    isLink(value) ? [{ input, from: value[0], slot: value[1] }] : [],
  );
}
