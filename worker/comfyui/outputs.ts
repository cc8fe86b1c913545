import { posix } from 'node:path';
import type { Graph } from '../../src/core/graph.ts';
import type { Json } from '../../src/core/job.ts';
import type { SpooledFile } from '../../src/files/spool.ts';
import type { FileReference } from './client.ts';
import type { HistoryEntry } from './history.ts';
import { graphNode } from './messages.ts';

/**
 * A result of a prompt: a file that the server holds, a text that stands in the history itself, or a picture that came
 * over the socket and is here already.
 */
export type PromptOutput =
  | { node: string; file: FileReference }
  | { node: string; text: string }
  | { node: string; image: SpooledFile };

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
 * All results of a prompt, by node in the order of the graph, then by place in the node's answer. Whatever key they
 * stand under, objects with a file name and the type `output` are results, and so is a bare path of a 3D file. `input`
 * never is. `wanted` null: every final result; otherwise these nodes' alone, their `temp` files with them. A node's
 * texts are results unless it wrote a text file: SaveText puts its text beside the file that holds it. `images`: what
 * came over the socket.
 */
export function collectOutputs(
  entry: HistoryEntry,
  graph: Graph,
  wanted: ReadonlyMap<string, unknown> | null = null,
  images: readonly { node: string; file: SpooledFile }[] = [],
): PromptOutputs {
  const order = new Map(Object.keys(graph).map((id, index) => [id, index]));
  const types = wanted ? ['output', 'temp'] : ['output'];
  const seen = new Set<string>();
  const temporary = new Set<string>();

  const reported = Object.entries(entry.outputs).map(([key, value]) => {
    const node = submittedNode(key, graph, entry);
    return { node, make: () => resultsOf(node, value) };
  });
  const sent = images.map(({ node, file }) => ({ node, make: (): PromptOutput[] => [{ node, image: file }] }));

  function resultsOf(node: string, value: Json): PromptOutput[] {
    const all = filesIn(value);
    const files = all.filter(({ type }) => types.includes(type));
    if (!wanted && all.some(({ type }) => type === 'temp')) temporary.add(node);
    const texts = files.some(isTextFile) ? [] : textsIn(value);
    return [
      ...files.filter((file) => isNew(seen, file)).map((file) => ({ node, file })),
      ...texts.map((text) => ({ node, text })),
    ];
  }

  const place = (node: string) => order.get(node) ?? order.size;
  const outputs = [...reported, ...sent]
    .filter(({ node }) => wanted?.has(node) ?? true)
    .sort((a, b) => place(a.node) - place(b.node))
    .flatMap(({ make }) => make());
  return { outputs, temporary: [...temporary] };
}

/** The submitted node that an entry of the history belongs to: of one made at run time, the history may say it. */
function submittedNode(key: string, graph: Graph, { meta }: HistoryEntry): string {
  const real = meta[key]?.real_node_id;
  if (real && !Object.hasOwn(graph, key) && Object.hasOwn(graph, real)) return real;
  return graphNode(graph, key) ?? key.slice(0, 255);
}

function filesIn(value: Json, key?: string): FileReference[] {
  if (Array.isArray(value)) return value.flatMap((item) => filesIn(item, key));
  if (typeof value === 'string') return key === 'result' ? modelAt(value) : [];
  if (value === null || typeof value !== 'object') return [];
  const file = fileOf(value);
  return file ? [file] : Object.entries(value).flatMap(([name, item]) => filesIn(item, name));
}

function fileOf({ filename, subfolder, type }: { [name: string]: Json }): FileReference | null {
  const isPath = (text: Json | undefined) => typeof text === 'string' && text.length <= MOST_CHARACTERS;
  if (!isPath(filename) || filename === '' || !isPath(type) || !isPath(subfolder ?? '')) return null;
  return { filename: String(filename), subfolder: String(subfolder ?? ''), type: String(type) };
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

function textsIn(value: Json): string[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || !Array.isArray(value.text)) return [];
  const texts = value.text.filter((text) => typeof text === 'string').filter((text) => text !== '');
  // A node that answers a bare string where a list belongs has it taken apart into its characters.
  return texts.length > 1 && texts.every((text) => text.length <= 2 && [...text].length === 1)
    ? [texts.join('')]
    : texts;
}
