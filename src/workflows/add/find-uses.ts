import { type Encoding, followConditioning } from './conditioning.ts';
import { ownName } from './declared.ts';
import { isProse, roleByName } from './prose.ts';
import type { Place, Wiring } from './wiring.ts';

/** Whether the text is known to be for one side, the other or either; or has words to sing. */
export type Role = 'positive' | 'negative' | 'unknown' | 'lyrics';

/** An input that reads a text. */
export interface Use {
  at: Place;
  role: Role;
  /** The samplers that use it; where there are none, the node itself. */
  users: ReadonlySet<string>;
  /** Whether a sampler or the like reads it. */
  sampled: boolean;
}

/** How sure a role is, by what tells it. */
const RANK = { positive: 0, negative: 1, title: 2, whole: 3, text: 4 };

/**
 * The inputs that read texts, those whose role is surest first. Nodes that save or show what others have made count
 * only where no other has a text for what is to be made.
 */
export function findUses(wiring: Wiring): Use[] {
  const encodings = followConditioning(wiring);
  const uses = wiring.ids.flatMap((node) => {
    // A value is for those that use it.
    if (wiring.held(node) !== null) return [];
    const inputs = wiring.inputs(node).filter((input) => isProse(wiring, { node, input }));
    const hasNegative = inputs.some((input) => roleByName(input) === 'negative');
    const encoding = encodings.get(node);
    return inputs.flatMap((input) => {
      const at = { node, input };
      const found = roleAt(wiring, at, encoding, hasNegative);
      const users = encoding?.users ?? new Set([node]);
      return found ? [{ ...found, at, users, sampled: encoding !== undefined, isRecord: isRecord(wiring, node) }] : [];
    });
  });
  uses.sort((a, b) => a.rank - b.rank);
  const made = uses.filter((use) => !use.isRecord);
  return made.some(({ role }) => role !== 'negative') ? made : uses;
}

function roleAt(
  wiring: Wiring,
  { node, input }: Place,
  encoding: Encoding | undefined,
  hasNegative: boolean,
): { role: Role; rank: number } | null {
  const byName = roleByName(input);
  if (byName === 'system' || encoding?.sides.size === 0) return null;
  if (byName) return { role: byName, rank: byName === 'negative' ? RANK.negative : RANK.positive };
  if (hasNegative) return { role: 'positive', rank: RANK.positive };
  const title = roleByTitle(wiring, node);
  if (encoding) {
    const [positive, negative] = [encoding.sides.get('positive'), encoding.sides.get('negative')];
    // What serves as both is the positive one, unless the author has called it otherwise.
    if (positive && !(negative && title === 'negative')) return { role: 'positive', rank: RANK.positive };
    return negative ? { role: 'negative', rank: RANK.negative } : { role: title, rank: RANK.title };
  }
  if (makesText(wiring, node)) return /prompt/i.test(ownName(input)) ? { role: 'positive', rank: RANK.text } : null;
  return { role: makesConditioning(wiring, node) ? title : 'positive', rank: RANK.whole };
}

function roleByTitle(wiring: Wiring, node: string): Role {
  const title = wiring.node(node)?._meta?.title ?? '';
  if (/negativ/i.test(title)) return 'negative';
  return /positiv/i.test(title) ? 'positive' : 'unknown';
}

function makesConditioning(wiring: Wiring, node: string): boolean {
  const outputs = wiring.outputs(node);
  return outputs
    ? outputs.some(({ type }) => type === 'CONDITIONING')
    : /TextEncode/i.test(wiring.node(node)?.class_type ?? '');
}

/** Whether a node only makes a text of texts, for others to read. */
function makesText(wiring: Wiring, node: string): boolean {
  const outputs = wiring.outputs(node);
  return (
    outputs !== null && outputs.length > 0 && outputs.every(({ type }) => /^(?:STRING|INT|FLOAT|BOOLEAN)$/.test(type))
  );
}

/** Whether a node saves or shows what others have made: its texts are about that, and change nothing of it. */
function isRecord(wiring: Wiring, node: string): boolean {
  if (wiring.users(node).length > 0) return false;
  if (wiring.outputs(node)?.some(({ type }) => type !== 'STRING')) return false;
  return wiring.inputs(node).some((input) => {
    const from = wiring.link({ node, input });
    const type = from && wiring.outputs(from.node)?.[from.slot]?.type;
    return type
      ? /^(?:IMAGE|MASK|VIDEO|AUDIO|LATENT|MESH)$/.test(type)
      : from !== null && /image|video|audio|frame|latent|samples|mask/i.test(input);
  });
}
