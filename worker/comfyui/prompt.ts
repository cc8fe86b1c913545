import { v5 } from 'uuid';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import type { Graph } from '../../src/core/graph.ts';
import type { Json } from '../../src/core/job.ts';
import type { NodeDefinitions } from '../../src/core/node-definitions.ts';
import { linkOf } from '../../src/core/node-work.ts';
import { own } from '../../src/core/objects.ts';

/**
 * The id under which ComfyUI knows a job's nth submission. Anyone who has the record can compute it, so that a prompt
 * is found again after any crash; a lower-case UUID, as ComfyUI 0.25 and newer demand.
 */
export function promptIdOf(jobId: string, submission: number): string {
  return v5(`comfygate:${submission}`, jobId);
}

/**
 * The graph with every output its own, and no node changed so that it makes less.
 *
 * Each `filename_prefix`, links included, becomes unique to the prompt and node: what a client wrote there is ignored.
 * It names no folder, since many nodes that save make none. An output node without one gets an input that no class
 * has: ComfyUI does not look at it, but it counts among what makes a cached result the same, so the node does not
 * answer with the files of an earlier prompt, which may be gone. Only nodes whose results no other takes are changed
 * so, since all that follow would run anew, too, and those of `afresh`. The prefix of others is unique to what they are
 * made of, so that ComfyUI has them in its cache, and no other result under that name: see `isMadeOfTheSame`.
 *
 * `outputClasses` null: not known; then every node that no other takes anything from counts as one.
 */
export function isolateOutputs(
  graph: Graph,
  promptId: string,
  outputClasses: ReadonlySet<string> | null,
  afresh: ReadonlySet<string> = new Set(),
): Graph {
  const taken = linkedNodes(graph);
  const passesOn = (id: string) => taken.has(id) && !afresh.has(id);
  const contents = contentIds(
    graph,
    Object.entries(graph).flatMap(([id, { inputs }]) => ('filename_prefix' in inputs && passesOn(id) ? [id] : [])),
  );
  return Object.fromEntries(
    Object.entries(graph).map(([id, node]) => {
      if ('filename_prefix' in node.inputs) {
        const place = id.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64);
        const filename_prefix = `comfygate-${contents.get(id) ?? promptId}-${place}`;
        return [id, { ...node, inputs: { ...node.inputs, filename_prefix } }];
      }
      const isLast = !taken.has(id) && (outputClasses?.has(node.class_type) ?? true);
      const isMarked = isLast || afresh.has(id);
      return [id, isMarked ? { ...node, inputs: { ...node.inputs, [OWN_INPUT]: promptId } } : node];
    }),
  );
}

/** The graph as ComfyUI can replace classes in it: it fails with 500 on a node of an old class without `_meta`. */
export function withReplaceable(graph: Graph, nodeDefinitions: NodeDefinitions | null): Graph {
  const replaced = Object.entries(graph).flatMap(([id, node]) =>
    nodeDefinitions?.get(node.class_type)?.replacedBy === undefined ? [] : [[id, { _meta: {}, ...node }] as const],
  );
  return replaced.length === 0 ? graph : { ...graph, ...Object.fromEntries(replaced) };
}

const OWN_INPUT = 'comfygate_prompt';

const CONTENT_IDS = 'b7c0c9a2-6f4e-4d1c-9a57-1f0f3a6c5e21';

/**
 * An id of all that each of these nodes' results depend on: its class and inputs, but the prefix of its files, and
 * those of all nodes that it takes something from.
 */
function contentIds(graph: Graph, ids: readonly string[]): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  const entered = new Set<string>();
  const idOf = (value: Json): Json => {
    const linked = linkOf(value);
    const content = linked === null ? undefined : known.get(linked);
    return content === undefined || !Array.isArray(value) ? value : [content, value[1] ?? null];
  };
  // A graph may be deeper than a stack. One whose links go in a circle is refused by ComfyUI.
  const open = [...ids];
  for (let id = open.at(-1); id !== undefined; id = open.at(-1)) {
    if (known.has(id)) {
      open.pop();
      continue;
    }
    const { class_type, inputs: all = {} } = own(graph, id) ?? {};
    const { filename_prefix, ...inputs } = all;
    const missing = Object.values(inputs).flatMap((value) => {
      const linked = linkOf(value);
      return linked === null || known.has(linked) || entered.has(linked) || !own(graph, linked) ? [] : [linked];
    });
    entered.add(id);
    if (missing.length > 0) {
      open.push(...missing);
      continue;
    }
    const made = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, idOf(value)]));
    known.set(id, v5(canonicalJson({ class_type: class_type ?? null, inputs: made }), CONTENT_IDS));
    open.pop();
  }
  return known;
}

/**
 * Whether a file that a node answers from ComfyUI's cache is one that `isolateOutputs` let it name by what it is made
 * of: then it holds what the node would make now, if it is still there.
 */
export function isMadeOfTheSame(filename: string): boolean {
  return withoutOwnPrefix(filename) !== filename;
}

/** The name of a file without what `isolateOutputs` made it begin with, but for the node. */
export function withoutOwnPrefix(filename: string): string {
  return filename.replace(/^comfygate-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-/, '');
}

/** Nodes that another takes something from. */
export function linkedNodes(graph: Graph): Set<string> {
  const inputs = Object.values(graph).flatMap((node) => Object.values(node.inputs));
  return new Set(inputs.flatMap((value) => linkOf(value) ?? []));
}
