import { followConditioning } from './conditioning.ts';
import { ownName } from './declared.ts';
import type { Finding } from './finding.ts';
import { chooseMain, type Prompt } from './main-prompt.ts';
import { nodeNames, ownTitle } from './names.ts';
import { isProse, roleByName, textsBehind } from './prose.ts';
import { camelCase, LAST_RANK, ruleNamed } from './rules.ts';
import { keyOf, type Place, type Wiring } from './wiring.ts';

/** Whether the text is known to be for one side, the other or either; or has words to sing. */
type Role = 'positive' | 'negative' | 'unknown' | 'lyrics';

interface Use {
  at: Place;
  role: Role;
  users: ReadonlySet<string>;
  /** Whether a sampler or the like reads it. */
  sampled: boolean;
}

/**
 * Finds the prompts: the texts that flow into text encoders, and into other nodes that make something of a text. The
 * role of a text is that of the input that reads it: by the input's name where it says so (`negative_prompt`), else by
 * the side of the sampler that the encoder leads to. Where neither tells, by the encoder's title, and otherwise the
 * texts are named for their nodes, with a note.
 *
 * One text is required, the main prompt (see `chooseMain`). Every other keeps what the graph has as its default.
 */
export function findPrompts(wiring: Wiring): { findings: Finding[]; notes: string[] } {
  const prompts = new Map<string, Prompt & { role: Role }>();
  for (const { at, role, users, sampled } of usesOf(wiring)) {
    for (const { literal, distance } of textsBehind(wiring, at)) {
      const key = keyOf(literal.place);
      const before = prompts.get(key);
      if (before && before.role !== 'unknown') {
        if (before.role === role) for (const user of users) before.users.add(user);
      } else prompts.set(key, { literal, distance, role, sampled, users: new Set(users) });
    }
  }

  const all = [...prompts.values()];
  const unknown = all.filter(({ role }) => role === 'unknown');
  const [only, ...others] = unknown;
  const alone = only && others.length === 0 && all.every(({ role }) => role !== 'positive') ? only : null;
  if (alone) alone.role = 'positive';
  const positive = all.filter(({ role }) => role === 'positive');
  const main = chooseMain(wiring, positive);
  const negative = chooseMain(
    wiring,
    all.filter(({ role }) => role === 'negative'),
  );
  // The first of each name keeps it.
  const inOrder = [...new Set([main, negative, ...all])].flatMap((prompt) => prompt ?? []);
  const notes: string[] = [];
  if (unknown.length > 0 && !alone) {
    const nodes = nodeNames(
      wiring,
      unknown.map(({ literal }) => literal.place.node),
    );
    notes.push(`what is to be seen and what is not cannot be told of the texts of ${nodes}: they are named for them`);
  }
  const texts = new Set(positive.flatMap(({ literal }) => literal.value || []));
  if (main && texts.size > 1) {
    const node = nodeNames(wiring, [main.literal.place.node]);
    notes.push(`of ${texts.size} prompts that of ${node} is required; the others keep their texts unless they are set`);
  }
  return { findings: inOrder.map((prompt) => finding(wiring, prompt, prompt === main)), notes };
}

/** The inputs that read texts, those whose role is surest first. */
function usesOf(wiring: Wiring): Use[] {
  const encodings = followConditioning(wiring);
  const uses = wiring.ids.flatMap((node) => {
    // A value is for those that use it.
    if (wiring.held(node) !== null) return [];
    const inputs = wiring.inputs(node).filter((input) => isProse(wiring, { node, input }));
    const hasNegative = inputs.some((input) => roleByName(input) === 'negative');
    return inputs.flatMap((input): (Use & { rank: number })[] => {
      const byName = roleByName(input);
      if (byName === 'system') return [];
      const at = { node, input };
      const encoding = encodings.get(node);
      const users = encoding?.users ?? new Set([node]);
      const sampled = encoding !== undefined;
      const use = (role: Role, rank: number) => [{ at, role, users, sampled, rank }];
      if (encoding?.sides.size === 0 || isRecord(wiring, node)) return [];
      if (byName) return use(byName, byName === 'negative' ? 1 : 0);
      if (hasNegative) return use('positive', 0);
      if (encoding) {
        const [positive, negative] = [encoding.sides.get('positive'), encoding.sides.get('negative')];
        // What serves as both is the positive one, unless the author has called it otherwise.
        if (positive && !(negative && byTitle(wiring, node) === 'negative')) return use('positive', 0);
        return negative ? use('negative', 1) : use(byTitle(wiring, node), 2);
      }
      if (makesText(wiring, node)) return /prompt/i.test(ownName(input)) ? use('positive', 4) : [];
      return makesConditioning(wiring, node) ? use(byTitle(wiring, node), 3) : use('positive', 3);
    });
  });
  return uses.sort((a, b) => a.rank - b.rank);
}

function byTitle(wiring: Wiring, node: string): Role {
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
export function isRecord(wiring: Wiring, node: string): boolean {
  if (wiring.users(node).length > 0) return false;
  const outputs = wiring.outputs(node);
  if (outputs?.some(({ type }) => type !== 'STRING')) return false;
  return wiring.inputs(node).some((input) => {
    const from = wiring.link({ node, input });
    const type = from && wiring.outputs(from.node)?.[from.slot]?.type;
    return type
      ? /^(?:IMAGE|MASK|VIDEO|AUDIO|LATENT|MESH|STRING)$/.test(type)
      : from !== null && /image|video|audio|frame|latent|samples|mask|text/i.test(input);
  });
}

function finding(wiring: Wiring, { literal, role }: Prompt & { role: Role }, isMain: boolean): Finding {
  const { at, place, value } = literal;
  const name = { positive: 'prompt', negative: 'negativePrompt', lyrics: 'lyrics', unknown: '' }[role];
  const rule = ruleNamed(name);
  const { required: _, ...takes } = rule?.takes.type === 'string' ? rule.takes : { type: 'string' as const };
  const title = ownTitle(wiring, place.node) || wiring.displayName(place.node);
  return {
    name: name || camelCase(title) || 'text',
    takes: isMain ? { ...takes, required: true } : takes,
    description: rule?.description ?? `${ownName(place.input)} of ${title}.`,
    value,
    at,
    places: [place],
    sameAs: String(value),
    rank: rule?.rank ?? LAST_RANK,
  };
}
