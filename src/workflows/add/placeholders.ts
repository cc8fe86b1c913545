import { type FileKind, fileKinds } from '../../core/file-source.ts';
import { isModelFile } from '../../core/graph.ts';
import { ownName } from './declared.ts';
import { isModelInput } from './find-loaded.ts';
import type { Finding, Takes } from './finding.ts';
import { camelCase, LAST_RANK, OF_THE_HOUSE, ruleNamed } from './rules.ts';
import type { Literal, Wiring } from './wiring.ts';

/** What programs fill in: `%prompt%`, `{{prompt}}`, `$prompt$` or `__PROMPT__` in place of a value. */
const WHOLE = new RegExp(
  String.raw`^\s*(?:%{1,2}(\w[\w .-]*)%{1,2}|\{\{\s*(\w[\w .-]*)\s*\}\}|\$?\{\s*([A-Za-z]\w*)\s*\}|` +
    String.raw`\$([A-Za-z]\w*)\$?|__([A-Z][A-Z0-9_]*?)__|@@(\w+)@@|<<(\w+)>>|\[\[(\w+)\]\])\s*$`,
);
/** The same amid a text. What wildcards (`__animal__`), choices (`{a|b}`) and percentages look like is left out. */
const PART = /%[A-Za-z_]\w*%|\{\{\s*\w+\s*\}\}|\$\{\w+\}|\$[A-Za-z]\w*\$|__[A-Z][A-Z0-9_]*__/;
/** What a graph itself looks for in its texts, to fill it in as it runs. */
const SEARCHED = /^(?:find|search|replace\w*|old|new|delimiter|separator)$|regex|pattern/i;
const MOST_NAMED = 8;

/** The word of a value that is a placeholder; null for values. */
export function placeholderIn(value: unknown): string | null {
  const found = typeof value === 'string' && value.length <= 100 ? WHOLE.exec(value) : null;
  return (
    found
      ?.slice(1)
      .find((word) => word !== undefined)
      ?.trim() ?? null
  );
}

/**
 * Finds the inputs whose value is a placeholder. Each becomes a parameter of that name that every caller gives, of the
 * type that its class takes: the file has no value for it. `notes` name them, and those amid texts.
 */
export function findPlaceholders(
  wiring: Wiring,
  literals: readonly Literal[],
): { findings: Finding[]; notes: string[] } {
  const findings: Finding[] = [];
  const amid = new Set<string>();
  for (const literal of literals) {
    const { at, place, value } = literal;
    const input = ownName(at.input);
    if (OF_THE_HOUSE.test(input) || SEARCHED.test(input) || typeof value !== 'string') continue;
    const word = placeholderIn(value);
    const part = word === null ? PART.exec(value)?.[0] : undefined;
    if (part) amid.add(`${part} in ${place.input} of node ${place.node}`);
    const takes = word === null ? null : takesOf(wiring, literal, word);
    if (word === null || !takes) continue;
    const name = camelCase(word) || 'value';
    const rule = ruleNamed(name);
    const description = rule?.description ?? `${at.input} of ${wiring.node(at.node)?.class_type ?? ''}.`;
    const sameAs = `${value} ${takes.type}`;
    findings.push({
      name,
      takes,
      description,
      value,
      at,
      places: [place],
      sameAs,
      rank: rule?.rank ?? LAST_RANK,
      open: true,
    });
  }
  const whole = new Set(findings.map(({ value, at }) => `${value} in ${at.input} of node ${at.node}`));
  return {
    findings,
    notes: [
      ...(whole.size > 0 ? [`placeholders stand for values that callers give: ${listOf(whole)}`] : []),
      ...(amid.size > 0 ? [`placeholders amid texts are left as they are: ${listOf(amid)}`] : []),
    ],
  };
}

function listOf(all: ReadonlySet<string>): string {
  const named = [...all].slice(0, MOST_NAMED).map((it) => it.replace(/\s+/g, ' ').slice(0, 100));
  const more = all.size - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}

/** What goes in place of a placeholder; null where no value does. */
function takesOf(wiring: Wiring, { at }: Literal, word: string): Takes | null {
  const rule = ruleNamed(camelCase(word))?.takes;
  const spec = wiring.spec(at);
  const upload =
    spec?.kind === 'OWN' ? fileKinds.find((kind): kind is FileKind => kind === spec.shown?.upload) : undefined;
  if (upload) return { type: 'file', file: upload };
  if (isModelInput(wiring, at) || (spec?.kind === 'COMBO' && spec.options.some(isModelFile))) return { type: 'model' };
  const text: Takes = rule?.type === 'string' ? rule : { type: 'string' };
  switch (spec?.kind) {
    case 'INT':
    case 'FLOAT':
      if (rule?.type === 'seed' || rule?.type === 'int' || rule?.type === 'float') return rule;
      return { type: spec.kind === 'INT' ? 'int' : 'float' };
    case 'BOOLEAN':
      return { type: 'boolean' };
    case 'COMBO':
      return rule?.type === 'enum' ? rule : { type: 'enum' };
    case 'LINK':
    case 'DYNAMIC':
      return null;
    case undefined:
      return rule ?? text;
    default:
      return text;
  }
}
