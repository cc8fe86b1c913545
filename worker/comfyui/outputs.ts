import { posix } from 'node:path';
import { type Graph, isModelFile } from '../../src/core/graph.ts';
import type { Json } from '../../src/core/job.ts';
import { isObject, own } from '../../src/core/objects.ts';
import type { SpooledFile } from '../../src/files/spool.ts';
import type { FileReference } from './client.ts';
import type { HistoryEntry } from './history.ts';
import { graphNode } from './messages.ts';
import { isMadeOfTheSame } from './prompt.ts';
import { textsIn } from './shown-texts.ts';

/**
 * A result of a prompt: a file that the server holds, a text that stands in the history itself, or a picture that came
 * over the socket and is here already.
 */
export type PromptOutput =
  | { node: string; file: FileReference }
  | { node: string; text: string }
  | { node: string; image: SpooledFile; extension: string };

export interface PromptOutputs {
  outputs: PromptOutput[];
  /** Nodes that made temporary files which are no results, since nobody names the nodes. */
  temporary: string[];
}

/**
 * Results that a job may have. A graph can make any number of texts, and each result is a record, an object and an
 * upload.
 */
export const MOST_OUTPUTS = 1_000;

/** No file system has longer paths. */
const MOST_CHARACTERS = 4_096;

/**
 * All results of a prompt: first files, and pictures that came over the socket (`images`), then texts; each by node in
 * the order of the graph, then by place in the node's answer. Whatever key they stand under, objects with a file name
 * and the type `output` are results, and so is a bare path of a 3D file. `input` never is. `wanted` null: every final
 * result; otherwise these nodes' alone, their `temp` files with them. A node's texts (see `textsIn`) are results unless
 * it wrote a text file: SaveText puts its text beside the file that holds it.
 */
export function collectOutputs(
  entry: HistoryEntry,
  graph: Graph,
  wanted: ReadonlyMap<string, unknown> | null = null,
  images: readonly { node: string; file: SpooledFile; extension: string }[] = [],
): PromptOutputs {
  const order = new Map(Object.keys(graph).map((id, index) => [id, index]));
  const types = wanted ? ['output', 'temp'] : ['output'];
  const seen = new Set<string>();
  const temporary = new Set<string>();

  const reported = Object.entries(entry.outputs).map(([key, value]) => {
    const node = submittedNode(key, graph, entry);
    return { node, make: () => resultsOf(node, value) };
  });
  const sent = images.map(({ node, file, extension }) => {
    return { node, make: (): PromptOutput[] => [{ node, image: file, extension }] };
  });

  function resultsOf(node: string, value: Json): PromptOutput[] {
    const all = filesIn(value);
    const files = all.filter(({ type }) => types.includes(type));
    if (!wanted && all.some(({ type }) => type === 'temp')) temporary.add(node);
    const filenames = all.map(({ filename }) => filename);
    const texts = files.some(isTextFile) ? [] : textsIn(value, own(graph, node)?.class_type, filenames);
    return [
      ...files.filter((file) => isNew(seen, file)).map((file) => ({ node, file })),
      ...texts.map((text) => ({ node, text })),
    ];
  }

  const place = (node: string) => order.get(node) ?? order.size;
  const results = [...reported, ...sent]
    .filter(({ node }) => wanted?.has(node) ?? true)
    .sort((a, b) => place(a.node) - place(b.node))
    .flatMap(({ make }) => make());
  const outputs = [...results.filter((result) => !('text' in result)), ...results.filter((result) => 'text' in result)];
  return { outputs, temporary: [...temporary] };
}

/**
 * Nodes that answered from ComfyUI's cache and have files among the wanted results: files of an earlier prompt, which
 * may have been removed or written over since. Texts do not age, nor do files that are named for what they are made of,
 * if `isThere` finds them. A node that is wanted by name and gave nothing is among them: one that makes its results by
 * nodes at run time, or sends them over the socket, gives them only when it runs. Ids in the messages are those of the
 * graph: what nodes made at run time give counts to the node that made them.
 */
export async function staleNodes(
  entry: HistoryEntry,
  graph: Graph,
  wanted: ReadonlyMap<string, unknown> | null,
  isThere: (file: FileReference) => Promise<boolean>,
): Promise<string[]> {
  const messages = (entry.status?.messages ?? []).filter(([type]) => type === 'execution_cached');
  const nodes = messages.flatMap(([, { nodes }]) => (Array.isArray(nodes) ? nodes.map(String) : []));
  const cached = new Set(nodes.filter((id) => own(graph, id)));
  if (cached.size === 0) return [];
  const { outputs } = collectOutputs(entry, graph, wanted);
  const withResults = new Set(outputs.map(({ node }) => node));
  const stale = new Set([...cached].filter((id) => wanted?.has(id) && !withResults.has(id)));
  for (const output of outputs) {
    if (!('file' in output) || !cached.has(output.node) || stale.has(output.node)) continue;
    if (!isMadeOfTheSame(output.file.filename) || !(await isThere(output.file))) stale.add(output.node);
  }
  return [...stale];
}

/**
 * How many pictures each node says that it sent over the socket, where it says so: it answers
 * `{"source": "websocket", "content-type": "image/png", "type": "output"}` for each.
 */
export function imagesAnnounced(entry: HistoryEntry, graph: Graph): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [key, answer] of Object.entries(entry.outputs)) {
    if (!isObject(answer)) continue;
    const items = Object.values(answer).filter(Array.isArray).flat();
    const count = items.filter((item) => isObject(item) && item.source === 'websocket').length;
    const node = submittedNode(key, graph, entry);
    if (count > 0) counts.set(node, (counts.get(node) ?? 0) + count);
  }
  return counts;
}

/** The submitted node that an entry of the history belongs to: of one made at run time, the history may say it. */
function submittedNode(key: string, graph: Graph, { meta }: HistoryEntry): string {
  const real = meta[key]?.real_node_id;
  if (real && !Object.hasOwn(graph, key) && Object.hasOwn(graph, real)) return real;
  return graphNode(graph, key) ?? key.slice(0, 255);
}

/** `depth`: how many objects it stands in. */
function filesIn(value: Json, key?: string, depth = 0): FileReference[] {
  if (Array.isArray(value)) return value.flatMap((item) => filesIn(item, key, depth));
  if (typeof value === 'string') return key === 'result' ? modelAt(value) : [];
  if (value === null || typeof value !== 'object') return [];
  const file = fileOf(value, depth === 1);
  return file ? [file] : Object.entries(value).flatMap(([name, item]) => filesIn(item, name, depth + 1));
}

/** `isItem`: it is an item of a list of the node's answer, and no part of something larger. */
function fileOf({ filename, subfolder, type: named }: { [name: string]: Json }, isItem: boolean): FileReference | null {
  const isPath = (text: Json | undefined) => typeof text === 'string' && text.length <= MOST_CHARACTERS;
  if (!isPath(filename) || filename === '' || !isPath(subfolder ?? '')) return null;
  // What `/view` takes for granted.
  const type = named ?? (isItem && isPlainFile(String(filename)) ? 'output' : null);
  if (!isPath(type)) return null;
  return { filename: String(filename), subfolder: String(subfolder ?? ''), type: String(type) };
}

/** Whether a name without a type is surely that of a file that was made: nodes also tell which models they took. */
function isPlainFile(filename: string): boolean {
  return /^[^/\\:\p{Cc}]+\.(?=[a-z0-9]*[a-z])[a-z0-9]{2,8}$/iu.test(filename) && !isModelFile(filename);
}

/** What ComfyUI's 3D viewers show, by their own list and the splats of later ones. */
const MODEL_FILE = /[^/]\.(?:glb|gltf|obj|fbx|stl|ply|usdz|splat|ksplat|spz)$/i;

/** The names that the other viewers give to what they show, which they put into the temporary folder. */
const VIEWED_FILE = /^preview(?:3d_advanced|_splat|_pointcloud)_[0-9a-f]{32}\./;

/** Preview3D gives `result: ["3d/x.glb", …]`, relative to the output folder. Any other text there is no file. */
function modelAt(path: string): FileReference[] {
  const plain =
    path.length <= MOST_CHARACTERS &&
    MODEL_FILE.test(path) &&
    posix.normalize(path) === path &&
    !/^(?:\/|\.\.\/)|[\\:\p{Cc}]/u.test(path);
  if (!plain) return [];
  const { dir: subfolder, base: filename } = posix.parse(path);
  return [{ filename, subfolder, type: VIEWED_FILE.test(path) ? 'temp' : 'output' }];
}

/** Two nodes, or two keys of one, may name the same file. */
function isNew(seen: Set<string>, { type, subfolder, filename }: FileReference): boolean {
  const name = JSON.stringify([type, subfolder, filename]);
  return !seen.has(name) && seen.add(name) !== undefined;
}

function isTextFile({ filename }: FileReference): boolean {
  return /\.(?:txt|md|json|csv|tsv|xml|html?|ya?ml|srt|vtt|log)$/i.test(filename);
}
