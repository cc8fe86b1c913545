import type { Graph } from '../../core/graph.ts';
import { isObject } from '../../core/objects.ts';
import { checkGraph } from '../check-graph.ts';
import { createIssueList } from '../issues.ts';

export type ReadExport = { ok: true; graph: Graph } | { ok: false; faults: string[] };

const SEED_INPUT = /seed$/;

const EDITOR_HELP = [
  "This is the editor's own format, which keeps where nodes stand and not what they run.",
  'In ComfyUI, open the workflow and use  File > Export (API)  (in the menu at the top left; in old versions',
  'switch on "Dev mode" in the settings and use  Save (API Format)), then add the file that it saves.',
];

/**
 * Reads a graph from the text of an API-format export. A seed beyond 2^53-1 becomes 0, since a caller's or a random
 * seed replaces it anyway.
 */
export function readExport(text: string): ReadExport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, faults: [`it is not JSON: ${error instanceof Error ? error.message : String(error)}`] };
  }
  if (isObject(value) && Array.isArray(value.nodes)) return { ok: false, faults: EDITOR_HELP };
  const issues = createIssueList([]);
  const graph = checkGraph(withSafeSeeds(value), [], issues);
  if (graph) return { ok: true, graph };
  return {
    ok: false,
    faults: issues.found.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': ')),
  };
}

function withSafeSeeds(value: unknown): unknown {
  if (!isObject(value)) return value;
  const seeds = new Set(
    Object.values(value).flatMap((node) =>
      Object.entries(inputsOf(node)).flatMap(([name, input]) =>
        SEED_INPUT.test(name) && Array.isArray(input) ? [String(input[0])] : [],
      ),
    ),
  );
  return Object.fromEntries(
    Object.entries(value).map(([id, node]) => {
      if (!isObject(node) || !isObject(node.inputs)) return [id, node];
      const inputs = Object.entries(node.inputs).map(([name, input]) => {
        const tooLarge = typeof input === 'number' && Number.isInteger(input) && !Number.isSafeInteger(input);
        return [name, tooLarge && (SEED_INPUT.test(name) || seeds.has(id)) ? 0 : input];
      });
      return [id, { ...node, inputs: Object.fromEntries(inputs) }];
    }),
  );
}

function inputsOf(node: unknown): { [name: string]: unknown } {
  return isObject(node) && isObject(node.inputs) ? node.inputs : {};
}
