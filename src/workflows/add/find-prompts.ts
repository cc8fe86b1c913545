import type { Graph } from '../../core/graph.ts';
import type { Finding } from './finding.ts';
import { LAST_RANK, ruleNamed } from './rules.ts';
import type { Literal, Place, Wiring } from './wiring.ts';

type Role = 'prompt' | 'negativePrompt';

/** The text inputs of text encoders: of CLIPTextEncode and its variants for SDXL, Flux, SD3, HiDream and ACE-Step. */
const TEXT_INPUT = /^(?:text|prompt|string|tags|lyrics|clip_[lg]|t5xxl|bert|mt5xl|llama|qwen\w*)(?:_\w+)?$|prompt/;
const CONDITIONING_INPUT = /cond|positive|negative|^(?:any|input|value|source)/i;

/**
 * Finds the prompts: it follows the links from the inputs `positive` and `negative` of samplers and guiders back to
 * texts. Where no sampler is known, it takes the texts of all text encoders, and their titles tell which is negative.
 */
export function findPrompts(graph: Graph, wiring: Wiring): Finding[] {
  const found = new Map<string, Finding>();

  const add = (role: Role, literal: Literal): void => {
    const name = literal.at.input === 'lyrics' ? 'lyrics' : role;
    const key = `${literal.place.node}\n${literal.place.input}`;
    const rule = ruleNamed(name);
    // Positive comes first, so a text that serves as both becomes the positive prompt.
    if (found.has(key) || !rule) return;
    const { takes, description, rank } = rule;
    const { at, place, value } = literal;
    found.set(key, { name, takes, description, value, at, places: [place], sameAs: String(value), rank });
  };

  for (const role of ['prompt', 'negativePrompt'] as const) {
    const seen = new Set<string>();
    for (const id of Object.keys(graph)) {
      for (const input of startsOf(graph, id, role)) {
        for (const encoder of encodersOf(wiring, { node: id, input }, role, seen)) {
          for (const literal of textsOf(graph, wiring, encoder)) add(role, literal);
        }
      }
    }
  }
  if (found.size > 0) return [...found.values()];

  for (const [id, { class_type, _meta }] of Object.entries(graph)) {
    if (!/TextEncode/.test(class_type)) continue;
    const role = /negativ/i.test(_meta?.title ?? '') ? 'negativePrompt' : 'prompt';
    for (const literal of textsOf(graph, wiring, id)) add(role, literal);
  }
  return [...found.values()].sort((a, b) => (a.rank ?? LAST_RANK) - (b.rank ?? LAST_RANK));
}

/** The inputs of a sampler or guider that take a prompt of this role. */
function startsOf(graph: Graph, id: string, role: Role): string[] {
  const node = graph[id];
  const names = Object.keys(node?.inputs ?? {});
  if (role === 'negativePrompt') return names.filter((name) => name === 'negative');
  const guides = /guider/i.test(node?.class_type ?? '');
  return names.filter((name) => name === 'positive' || (guides && /^cond/.test(name)));
}

/** The text encoders from which a conditioning is made. */
function encodersOf(wiring: Wiring, at: Place, role: Role, seen: Set<string>): string[] {
  const from = wiring.link(at);
  const node = from && wiring.node(from.node);
  if (!from || !node) return [];
  const key = `${from.node} ${from.slot}`;
  // Each output is visited once, so that cycles in the graph do no harm.
  if (seen.has(key)) return [];
  seen.add(key);
  const names = Object.keys(node.inputs);
  if (names.some((name) => /^clip/.test(name)) || /TextEncode/.test(node.class_type)) return [from.node];
  // The negative input often gets a zeroed-out copy of the positive conditioning. Its text has no effect there.
  if (role === 'negativePrompt' && /ZeroOut/.test(node.class_type)) return [];
  const both = names.includes('positive') && names.includes('negative');
  const next = both
    ? [from.slot === 1 ? 'negative' : 'positive']
    : names.filter((name) => CONDITIONING_INPUT.test(name));
  return next.flatMap((input) => encodersOf(wiring, { node: from.node, input }, role, seen));
}

/** The literal texts of an encoder, also those that other nodes concatenate first. */
function textsOf(graph: Graph, wiring: Wiring, id: string, depth = 0): Literal[] {
  return Object.keys(graph[id]?.inputs ?? {})
    .filter((input) => TEXT_INPUT.test(input))
    .flatMap((input) => {
      const at = { node: id, input };
      const literal = wiring.literal(at);
      if (literal) return typeof literal.value === 'string' ? [literal] : [];
      const from = wiring.link(at);
      return from && depth < 8 ? textsOf(graph, wiring, from.node, depth + 1) : [];
    });
}
