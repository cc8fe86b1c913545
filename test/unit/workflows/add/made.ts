import type { Graph } from '../../../../src/core/graph.ts';
import type { NodeDefinitions } from '../../../../src/core/node-definitions.ts';
import { objectInfoSchema } from '../../../../src/core/object-info.ts';
import { type MadeManifest, makeManifest } from '../../../../src/workflows/add/make-manifest.ts';
import type { AppMode } from '../../../../src/workflows/editor/app-mode.ts';
import { loadCatalogue } from '../../../../src/workflows/load.ts';
import { readStockNodeDefinitions } from '../../../../src/workflows/stock-node-definitions.ts';
import { workflowsFolder } from '../folder.ts';

const stock = await readStockNodeDefinitions();

/** The classes of a stock ComfyUI, and these: `/object_info` of each, without what goes without saying. */
function withClasses(classes: { [name: string]: object }): NodeDefinitions {
  const declared = Object.entries(classes).map(([name, said]) => [name, { python_module: 'custom_nodes.x', ...said }]);
  return new Map([...stock, ...objectInfoSchema.parse(Object.fromEntries(declared))]);
}

/** What `workflow add` makes of a graph, after it has been loaded as a gateway does. */
export async function made(
  graph: Graph,
  { classes = {}, app = null }: { classes?: object; app?: AppMode | null } = {},
) {
  const nodeDefinitions = withClasses(classes as { [name: string]: object });
  const options = { name: 'it', graph, nodeDefinitions, stock, enumTypes: new Map(), inputTypes: new Set<string>() };
  const { manifest, notes, ...written } = makeManifest({ ...options, app, maxMegapixels: 16 });
  if (!manifest) throw new Error('nothing was found');
  const dir = await workflowsFolder({ 'it/manifest.json': manifest, 'it/graph.json': written.graph });
  const workflow = (await loadCatalogue({ dir, maxMegapixels: 16 })).get('it');
  if (!workflow) throw new Error('it did not load');
  return { manifest, notes, workflow, graph: written.graph, shown: shown(manifest) };
}

/** Each parameter as `type default -> node.input …`; `!` for one that must be given. */
function shown({ parameters }: MadeManifest): { [name: string]: string } {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { type, file, required, default: value, targets }]) => {
      const head = [file ?? type, required ? '!' : (value ?? '')].join(' ').trim();
      const places = targets.map(({ node, input, path = [] }) => [node, input, ...path].join('.'));
      return [name, `${head} -> ${places.join(' ')}`];
    }),
  );
}

export const node = (class_type: string, inputs: Graph[string]['inputs'], title?: string) => ({
  class_type,
  inputs,
  ...(title !== undefined && { _meta: { title } }),
});

/** Text to picture in stock nodes. `changes`: nodes instead of these, and others. */
export function textToImage(changes: Graph = {}): Graph {
  return {
    '4': node('CheckpointLoaderSimple', { ckpt_name: 'v1-5-pruned-emaonly.safetensors' }),
    '5': node('EmptyLatentImage', { width: 512, height: 512, batch_size: 1 }),
    '6': node('CLIPTextEncode', { text: 'a lighthouse', clip: ['4', 1] }, 'Positive'),
    '7': node('CLIPTextEncode', { text: 'blurry', clip: ['4', 1] }, 'Negative'),
    '3': sampler(),
    '8': node('VAEDecode', { samples: ['3', 0], vae: ['4', 2] }),
    '9': node('SaveImage', { filename_prefix: 'x', images: ['8', 0] }),
    ...changes,
  };
}

export function sampler(changes: Graph[string]['inputs'] = {}) {
  return node('KSampler', {
    seed: 1,
    steps: 4,
    cfg: 7,
    sampler_name: 'euler',
    scheduler: 'normal',
    denoise: 1,
    model: ['4', 0],
    positive: ['6', 0],
    negative: ['7', 0],
    latent_image: ['5', 0],
    ...changes,
  });
}
