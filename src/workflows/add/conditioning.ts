import { isAny, ownName } from './declared.ts';
import { isProse, sideOf } from './prose.ts';
import { countStages, onlyFinds } from './stages.ts';
import type { Place, Wiring } from './wiring.ts';

export type Side = 'positive' | 'negative';

/** For which sides a text encoder's result is used, and by which samplers and the like. */
export interface Encoding {
  /**
   * False: it may be the other side as well, for a node before the sampler does not say which is which. Neither: what
   * is encoded is taken out again on the way.
   */
  sides: Map<Side, boolean>;
  users: Set<string>;
}

const CONDITIONING = /cond|positive|negative|^(?:any|input|value|source)/i;
/** Types that carry other things, so that an input of another type may carry several things at once. */
const SINGLE = /^(?:MODEL|CLIP|VAE|LATENT|IMAGE|MASK|AUDIO|VIDEO|CONTROL_NET|CLIP_VISION|NOISE|SIGMAS|SAMPLER|GUIDER)/;
const VALUES = /^(?:STRING|INT|FLOAT|BOOLEAN|COMBO)$/;

/**
 * Follows conditioning from the inputs of samplers, guiders and the like back to text encoders, by its type, and by the
 * names of the outputs that links leave: through a node that passes both sides on, that of its output. Of nodes whose
 * outputs are not known, the side is taken to be that of the input that a link leads to.
 */
export function followConditioning(wiring: Wiring): Map<string, Encoding> {
  const found = new Map<string, Encoding>();
  const seen = new Set<string>();

  const follow = (user: string, side: Side, at: Place, hint: Side, way: { sure: boolean; zeroed: boolean }): void => {
    const from = wiring.link(at);
    // Each output is visited once for each side: circles do no harm, and the first stage is that of the encoder.
    const key = JSON.stringify([from, side, hint, way]);
    if (!from || seen.has(key)) return;
    seen.add(key);
    const zeroed = way.zeroed || /ZeroOut/.test(wiring.node(from.node)?.class_type ?? '');
    if (wiring.inputs(from.node).some((input) => isProse(wiring, { node: from.node, input }))) {
      const encoding = found.get(from.node) ?? { sides: new Map(), users: new Set() };
      if (!zeroed) encoding.sides.set(side, encoding.sides.get(side) || way.sure);
      encoding.users.add(user);
      found.set(from.node, encoding);
    }
    const behind = inputsBehind(wiring, from, hint);
    for (const input of behind.inputs) {
      const next = { sure: way.sure && behind.sure, zeroed };
      follow(user, side, { node: from.node, input }, sideOf(ownName(input)) ?? hint, next);
    }
  };

  for (const user of usersInOrder(wiring)) {
    for (const { input, side, sure } of sidesOf(wiring, user)) {
      follow(user, side, { node: user, input }, side, { sure, zeroed: false });
    }
  }
  return found;
}

/** The nodes that use conditioning and do not pass it on: those that make something first, in the order of stages. */
function usersInOrder(wiring: Wiring): string[] {
  const users = wiring.ids.filter((id) => !passesOn(wiring, id) && sidesOf(wiring, id).length > 0);
  const before = countStages(wiring, new Set(users));
  const order = (id: string) => Number(onlyFinds(wiring, id)) * wiring.ids.length + (before.get(id) ?? 0);
  return users.sort((a, b) => order(a) - order(b));
}

/** Whether conditioning leaves the node for another one. */
function passesOn(wiring: Wiring, id: string): boolean {
  return wiring.users(id).some((user) => isConditioning(wiring, user));
}

/** The inputs of a sampler or guider for prompts. Of several that are not named for a side, the first is positive. */
function sidesOf(wiring: Wiring, id: string): { input: string; side: Side; sure: boolean }[] {
  const inputs = wiring.inputs(id).filter((input) => isConditioning(wiring, { node: id, input }));
  const named = inputs.flatMap((input) => {
    const side = sideOf(ownName(input));
    return side ? [{ input, side, sure: true }] : [];
  });
  if (named.some(({ side }) => side === 'positive')) return named;
  const others = inputs.filter((input) => sideOf(ownName(input)) === null && !/empty/.test(input));
  const guides = named.length > 0 || others.length === 1;
  return [...named, ...others.map((input, at) => ({ input, side: 'positive' as const, sure: guides && at === 0 }))];
}

/** Whether an input takes conditioning, by its type, by that of the output that it is linked to, else by its name. */
function isConditioning(wiring: Wiring, at: Place): boolean {
  const from = wiring.link(at);
  if (!from) return false;
  const name = ownName(at.input);
  const declared = wiring.spec(at);
  const comes = wiring.outputs(from.node)?.[from.slot]?.type;
  const isOf = (type: string) =>
    type === 'CONDITIONING' || (sideOf(name) !== null && !SINGLE.test(type) && !VALUES.test(type));
  if (declared && declared.kind !== 'LINK') return false;
  if (declared && !isAny(declared.type)) return isOf(declared.type);
  if (comes !== undefined && !isAny(comes)) return isOf(comes);
  return CONDITIONING.test(name);
}

/** The inputs that an output's conditioning comes from, and whether they are sure to be of its side alone. */
function inputsBehind(
  wiring: Wiring,
  { node, slot }: { node: string; slot: number },
  hint: Side | null,
): { inputs: string[]; sure: boolean } {
  const outputs = wiring.outputs(node);
  const output = outputs?.[slot];
  const direct = wiring.inputs(node).filter((input) => mayCarry(wiring, { node, input }));
  const named = direct.filter((input) => sideOf(ownName(input)) !== null);
  const several = outputs
    ? outputs.filter(({ type }) => type === 'CONDITIONING').length > 1
    : new Set(wiring.users(node).flatMap((user) => (isConditioning(wiring, user) ? [user.slot] : []))).size > 1;
  const byName = output?.type === 'CONDITIONING' ? sideOf(output.name) : null;
  const side = byName ?? (output?.type === 'CONDITIONING' && !several ? null : hint);
  if (named.length > 0 && side !== null) {
    return { inputs: named.filter((input) => sideOf(ownName(input)) === side), sure: true };
  }
  if (direct.length > 0) {
    const same = direct.filter((input) => input === output?.name);
    if (same.length > 0) return { inputs: same, sure: true };
    const sides = new Set(named.map((input) => sideOf(ownName(input))));
    return { inputs: direct, sure: direct.length === 1 || (!several && sides.size < 2) };
  }
  return { inputs: wiring.inputs(node).filter((input) => mayCarrySeveral(wiring, { node, input })), sure: true };
}

/** Whether an input of a node on the way may carry conditioning: nothing says that it carries something else. */
function mayCarry(wiring: Wiring, at: Place): boolean {
  const from = wiring.link(at);
  if (!from) return false;
  const declared = wiring.spec(at);
  if (wiring.isKnown(at.node) && declared?.kind !== 'LINK') return false;
  if (declared?.kind === 'LINK' && !isAny(declared.type)) return isConditioning(wiring, at);
  const comes = wiring.outputs(from.node)?.[from.slot]?.type;
  if (comes !== undefined && !isAny(comes)) return isConditioning(wiring, at);
  return declared !== undefined || CONDITIONING.test(ownName(at.input));
}

/** Whether an input takes a pipe or context: several things that nodes pass on together. */
function mayCarrySeveral(wiring: Wiring, at: Place): boolean {
  const from = wiring.link(at);
  if (!from) return false;
  const declared = wiring.spec(at);
  const type = declared?.kind === 'LINK' ? declared.type : wiring.outputs(from.node)?.[from.slot]?.type;
  return type === undefined
    ? /pipe|ctx|context/i.test(at.input)
    : !SINGLE.test(type) && !VALUES.test(type) && !isAny(type) && type !== 'CONDITIONING';
}
