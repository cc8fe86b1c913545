import { isModelFile } from '../../core/graph.ts';
import type { Json } from '../../core/job.ts';
import type { NodeDefinitions } from '../../core/node-definitions.ts';
import { isObject } from '../../core/objects.ts';
import type { Step } from '../../core/target.ts';
import { NO_MODEL } from './empty-slots.ts';
import { modelCalled } from './find-loaded.ts';
import type { Finding, Takes } from './finding.ts';
import { nodeNames } from './names.ts';
import { camelCase, MODEL_RANK, ruleFor } from './rules.ts';
import type { Place, Wiring } from './wiring.ts';

/** How deep rows stand in the value of an input: in a list in an object, at most. */
const MOST_NESTED = 4;
/** Of one node. */
const MOST_ROWS = 50;

interface Row {
  path: Step[];
  values: { [key: string]: Json };
}

/**
 * Finds what callers would set inside of objects: in rows such as those of rgthree's Power Lora Loader, the model that
 * a row names and its strengths. Rows that are switched off or empty are left out, and so is all else in objects, which
 * a note tells.
 */
export function findWithin(wiring: Wiring, nodeDefinitions: NodeDefinitions): { findings: Finding[]; notes: string[] } {
  const findings: Finding[] = [];
  const left: string[] = [];
  for (const node of wiring.ids) {
    const rows = wiring.inputs(node).flatMap((input) => {
      const value = wiring.node(node)?.inputs[input];
      return isObject(value) ? rowsIn(value).map((row) => ({ input, ...row })) : [];
    });
    const used = rows.slice(0, MOST_ROWS).filter(({ values }) => isUsed(values));
    for (const [index, { input, path, values }] of used.entries()) {
      const number = used.length > 1 ? String(index + 1) : '';
      for (const key of Object.keys(values)) {
        const found = findIn({ node, input, path: [...path, key] }, key, values, nodeDefinitions);
        if (found) findings.push({ ...found, name: `${found.name}${number}` });
      }
    }
    const objects = wiring.inputs(node).filter((input) => hasValues(wiring.node(node)?.inputs[input]));
    if (objects.some((input) => !rows.some((row) => row.input === input)) || rows.length > used.length) left.push(node);
  }
  const within = `values inside of objects of ${nodeNames(wiring, left)} are left as they are`;
  return { findings, notes: left.length > 0 ? [`${within}; a target with a path sets one`] : [] };
}

/** The objects that name a model or have a strength. */
function rowsIn(value: Json | object, path: Step[] = []): Row[] {
  if (path.length > MOST_NESTED) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => rowsIn(item, [...path, index]));
  if (!isObject(value)) return [];
  const values = value as { [key: string]: Json };
  const isRow = Object.entries(values).some(([key, item]) => isModelFile(item) || strengthRule(key, item) !== null);
  return isRow ? [{ path, values }] : Object.entries(values).flatMap(([key, item]) => rowsIn(item, [...path, key]));
}

function isUsed(values: { [key: string]: Json }): boolean {
  const entries = Object.entries(values);
  if (entries.some(([key, value]) => /^(?:on|enabled?|active)$/i.test(key) && value === false)) return false;
  return !entries.some(
    ([key, value]) => /^(?:lora|model)/i.test(key) && typeof value === 'string' && NO_MODEL.test(value),
  );
}

function findIn(
  at: Place,
  key: string,
  values: { [key: string]: Json },
  nodeDefinitions: NodeDefinitions,
): Finding | null {
  const value = values[key];
  const place = { at, places: [at], sameAs: null };
  if (isModelFile(value)) {
    const of = listOf(key, value, nodeDefinitions);
    const takes: Takes = of === null ? { type: 'string' } : { type: 'model', of };
    const [name, description] = modelCalled(`${key.replace(/_name$/, '')}_name`);
    return { ...place, name, takes, description, value, rank: MODEL_RANK };
  }
  const rule = typeof value === 'number' ? strengthRule(key, value) : null;
  if (!rule || typeof value !== 'number') return null;
  const { takes, description, rank } = rule;
  return { ...place, name: camelCase(key), takes, description, value, rank };
}

/** The rule for strengths, by the key as inputs would be called: `clipStrength` as `clip_strength`. */
function strengthRule(key: string, value: Json) {
  const rule = ruleFor(key.replace(/([a-z])(?=[A-Z])/g, '$1_').toLowerCase(), value, []);
  return rule?.name.toLowerCase().includes('strength') ? rule : null;
}

/** The `Class.input` whose list such a model is from: one that has it, else that of ComfyUI's own LoRA loader. */
function listOf(key: string, value: string, nodeDefinitions: NodeDefinitions): string | null {
  for (const [name, { inputs }] of nodeDefinitions) {
    for (const [input, { spec }] of inputs) {
      if (spec.kind === 'COMBO' && spec.options.includes(value)) return `${name}.${input}`;
    }
  }
  return /lora/i.test(key) ? 'LoraLoader.lora_name' : null;
}

/** Whether somebody has set a value inside of it: a kind alone, or empty texts, belong to the editor. */
function hasValues(value: Json | undefined, key = ''): boolean {
  if (Array.isArray(value)) return value.some((item) => hasValues(item));
  if (isObject(value)) return Object.entries(value).some(([name, item]) => hasValues(item as Json, name));
  return key !== '' && key !== 'type' && value !== null && value !== undefined && value !== '';
}
