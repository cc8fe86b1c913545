import { ownName } from './declared.ts';
import { findUses, type Role } from './find-uses.ts';
import type { Finding } from './finding.ts';
import { chooseMain, type Prompt } from './main-prompt.ts';
import { nodeNames, ownTitle } from './names.ts';
import { textsBehind } from './prose.ts';
import { camelCase, LAST_RANK, ruleNamed } from './rules.ts';
import { keyOf, type Wiring } from './wiring.ts';

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
  for (const { at, role, users, sampled } of findUses(wiring)) {
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
