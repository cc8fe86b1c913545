import { ownName, takesValue } from './declared.ts';
import type { Finding } from './finding.ts';
import { nodeNames } from './names.ts';
import { isEcho } from './prose.ts';
import { OF_THE_HOUSE } from './rules.ts';
import { keyOf, type Wiring } from './wiring.ts';

/** Words in a row, as people write them, and no names or numbers. */
const WORDS = /\p{L}{2,}\s+\p{L}{2,}/u;

/** What was left out though it looks as if somebody has written it. Each note has all of one kind. */
export function findLeftOut(wiring: Wiring, findings: readonly Finding[]): string[] {
  const taken = new Set(findings.flatMap(({ places }) => places.map(keyOf)));
  const echoes: string[] = [];
  const texts = new Map<string, string[]>();
  for (const node of wiring.ids) {
    for (const input of wiring.inputs(node)) {
      const value = wiring.node(node)?.inputs[input];
      if (
        typeof value !== 'string' ||
        taken.has(keyOf({ node, input })) ||
        OF_THE_HOUSE.test(ownName(input)) ||
        !WORDS.test(value)
      )
        continue;
      const spec = wiring.spec({ node, input });
      if (isEcho(wiring, { node, input })) echoes.push(node);
      else if (spec ? spec.kind === 'STRING' : !wiring.isKnown(node)) {
        texts.set(input, [...(texts.get(input) ?? []), node]);
      }
    }
  }
  const sources = wiring.ids.filter(
    (id) => isSource(wiring, id) && !wiring.inputs(id).some((input) => taken.has(keyOf({ node: id, input }))),
  );
  const kinds = [...texts].sort(([, a], [, b]) => b.length - a.length);
  return [
    ...kinds.slice(0, 3).map(([input, nodes]) => `left as it is: ${input} of ${nodeNames(wiring, nodes)}`),
    ...(kinds.length > 3
      ? [
          `left as they are: ${kinds
            .slice(3)
            .map(([input]) => input)
            .slice(0, 8)
            .join(', ')}`,
        ]
      : []),
    ...(sources.length > 0
      ? [`left as they are: the values of ${nodeNames(wiring, sources)}, which go to others`]
      : []),
    ...(echoes.length > 0
      ? [`no input of its class, or what it showed the last time: a text of ${nodeNames(wiring, echoes)}`]
      : []),
  ];
}

/** Whether a node is set by hand alone, and others take values from it. */
function isSource(wiring: Wiring, id: string): boolean {
  const specs = wiring.users(id).map((user) => wiring.spec(user));
  const inputs = wiring.inputs(id);
  return (
    specs.some((spec) => spec && spec.kind !== 'LINK' && takesValue(spec)) &&
    inputs.length > 0 &&
    inputs.every((input) => !wiring.link({ node: id, input }))
  );
}
