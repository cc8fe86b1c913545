/** Of custom graphs: inputs that ComfyUI's own nodes call so. */
const SEED_INPUTS = new Set(['seed', 'noise_seed']);

/** As large as the API takes them. */
const MAX_SEED = Number.MAX_SAFE_INTEGER;

/**
 * The parameters of a job with other seeds; null where it has none, so that it would make the same again.
 * `seedNames`: its workflow's parameters of type SEED. `random`: as Math.random.
 */
export function varied(
  parameters: unknown,
  seedNames: readonly string[],
  random: () => number,
): Record<string, unknown> | null {
  if (!isRecord(parameters)) return null;
  const draw = () => Math.floor(random() * (MAX_SEED + 1));
  const { graph } = parameters;
  if (isRecord(graph)) {
    let drawn = false;
    const nodes = Object.entries(graph).map(([id, node]) => {
      if (!isRecord(node) || !isRecord(node.inputs)) return [id, node];
      const inputs = Object.entries(node.inputs).map(([name, value]) => {
        // A link to another node is a list.
        if (!SEED_INPUTS.has(name) || !['number', 'string'].includes(typeof value)) return [name, value];
        drawn = true;
        return [name, draw()];
      });
      return [id, { ...node, inputs: Object.fromEntries(inputs) }];
    });
    return drawn ? { ...parameters, graph: Object.fromEntries(nodes) } : null;
  }
  const seeds = seedNames.filter((name) => name in parameters);
  if (seeds.length === 0) return null;
  return { ...parameters, ...Object.fromEntries(seeds.map((name) => [name, draw()])) };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
