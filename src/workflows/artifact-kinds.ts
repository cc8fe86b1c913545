import type { Graph } from '../core/graph.ts';
import type { ArtifactKind } from '../core/job.ts';
import { own } from '../core/objects.ts';
import type { Manifest } from './manifest.ts';

/** The first that fits the name of a class says what its nodes leave; of any other output node that is a file. */
const RESULTS: readonly (readonly [RegExp, ArtifactKind])[] = [
  [/video|webm/i, 'video'],
  [/audio/i, 'audio'],
  [/image|animated|mask/i, 'image'],
  [/text|string|previewany/i, 'text'],
];
/** Leaves temporary files, which are results only where the manifest names the node. */
const PREVIEW = /^preview(?!any)|preview$/i;

/**
 * The kinds of what a workflow makes, as its manifest says, or by the classes of its output nodes: those that the
 * manifest names, or those at the ends of the graph. No server is asked: a catalogue is read where none is reached.
 */
export function artifactKindsOf(graph: Graph, { makes, outputs }: Manifest): ArtifactKind[] {
  if (makes) return [...new Set(makes)];
  const kinds = outputs
    ? outputs.map(({ node }) => kindOf(own(graph, node)?.class_type ?? ''))
    : endsOf(graph)
        .filter((classType) => !PREVIEW.test(classType))
        .map(kindOf);
  return [...new Set(kinds)];
}

function kindOf(classType: string): ArtifactKind {
  return RESULTS.find(([names]) => names.test(classType))?.[1] ?? 'file';
}

function endsOf(graph: Graph): string[] {
  const used = new Set<unknown>();
  for (const { inputs } of Object.values(graph)) {
    for (const input of Object.values(inputs)) if (Array.isArray(input)) used.add(input[0]);
  }
  return Object.keys(graph).flatMap((id) => (used.has(id) ? [] : (graph[id]?.class_type ?? [])));
}
