import type { Wiring } from './wiring.ts';

/** What is made by nodes that only look: where something is, how long it will be. */
const FINDINGS = /^(?:MASK|BOUNDING_BOX|BBOX|SEGS|SAM3_TRACK_DATA|STRING|INT|FLOAT|BOOLEAN)$/;

/** Whether a node makes no more than what can be known of something: a mask, a number, a text. */
export function onlyFinds(wiring: Wiring, id: string): boolean {
  const outputs = wiring.outputs(id);
  return outputs !== null && outputs.length > 0 && outputs.every(({ type }) => FINDINGS.test(type));
}

/** For each of these nodes, how many others of them are at most one after the other before it; 0 for the first. */
export function countStages(wiring: Wiring, stages: ReadonlySet<string>): ReadonlyMap<string, number> {
  const before = new Map<string, number>();
  const open = [...stages];
  while (open.length > 0) {
    const id = open.at(-1) ?? '';
    const sources = sourcesOf(wiring, id);
    // The first visit opens what is before the node, the second counts. In a circle the first found is the first stage.
    if (!before.has(id)) {
      before.set(id, 0);
      open.push(...sources.filter((source) => !before.has(source)));
      continue;
    }
    open.pop();
    const counts = sources.map((source) => (before.get(source) ?? 0) + (stages.has(source) ? 1 : 0));
    before.set(id, Math.max(0, ...counts));
  }
  return new Map([...stages].map((id) => [id, before.get(id) ?? 0]));
}

function sourcesOf(wiring: Wiring, id: string): string[] {
  const from = wiring.inputs(id).flatMap((input) => wiring.link({ node: id, input })?.node ?? []);
  return [...new Set(from)];
}
