import { readFile, stat } from 'node:fs/promises';
import type { Graph } from '../../core/graph.ts';
import type { NodeDefinitions } from '../../core/node-definitions.ts';
import { isObject } from '../../core/objects.ts';
import { readEmbeddedTexts } from '../../files/texts/embedded-texts.ts';
import { MOST_TEXT_BYTES, UnreadableTextsError } from '../../files/texts/texts.ts';
import { checkGraph } from '../check-graph.ts';
import type { AppMode } from '../editor/app-mode.ts';
import { convertWorkflow } from '../editor/convert.ts';
import { createIssueList, quote } from '../issues.ts';
import { classesIn, knowingMost } from '../known-classes.ts';
import { type FoundWorkflow, findWorkflows, shownPath } from './find-workflows.ts';
import { parseJsonBytes } from './parse-text.ts';

/** `notes` and `faults` are for a person: what was chosen and left out, and what is to be done. */
export type ReadWorkflow =
  | { ok: true; graph: Graph; notes: string[]; app: AppMode | null }
  | { ok: false; faults: string[] };

const TAKEN = 'JSON, PNG, WebP, AVIF, JPEG, MP4, MOV, WebM, MP3, FLAC, Ogg, GLB, SVG, safetensors';

/**
 * Reads the graph of a file: an API export, what the editor saves, either of them within something else, or what
 * ComfyUI has written into a picture, film or sound. What the editor saves is converted by that one of `candidates`
 * which knows most of its classes. Rejects when the file cannot be read at all.
 */
export async function readWorkflowFile(path: string, candidates: readonly NodeDefinitions[]): Promise<ReadWorkflow> {
  try {
    const embedded = await readEmbeddedTexts(path);
    if (!embedded) return await readJsonFile(path, candidates);
    const { type, where, texts } = embedded;
    if (where === null) return refusal(`it is ${type}; a workflow is read from ${TAKEN}`);
    return chooseWorkflow(findWorkflows(texts), candidates, {
      none: `it is ${type} without a workflow: looked for the texts workflow and prompt in ${where}`,
      source: where,
    });
  } catch (error) {
    if (error instanceof UnreadableTextsError) return refusal(error.message);
    throw error;
  }
}

async function readJsonFile(path: string, candidates: readonly NodeDefinitions[]): Promise<ReadWorkflow> {
  const { size } = await stat(path);
  if (size > MOST_TEXT_BYTES) return refusal(`it has ${size} bytes; a workflow has at most ${MOST_TEXT_BYTES}`);
  const parsed = parseJsonBytes(await readFile(path));
  if (!parsed.ok) return refusal(parsed.fault);
  const found = findWorkflows(parsed.value);
  // What looks like a graph without any class is one with faults, which say what is missing.
  const asIs: FoundWorkflow[] =
    isObject(parsed.value) && Object.values(parsed.value).some((node) => isObject(node) && isObject(node.inputs))
      ? [{ kind: 'api', path: [], value: parsed.value, beside: [], notes: [] }]
      : [];
  const read = chooseWorkflow(found.length > 0 ? found : asIs, candidates, {
    none: 'no workflow is in it: neither nodes with class_type (API format) nor a list of nodes (as the editor saves)',
    source: null,
  });
  return read.ok ? { ...read, notes: [...parsed.notes, ...read.notes] } : read;
}

/**
 * A picture shows in the editor what its author saved with it, which may be another graph than the one that made it: so
 * that comes first there. Elsewhere what is in API format was meant to run and needs no conversion, but only the other
 * one has what its author chose in App mode. Where the first cannot be used, the next one is.
 */
function chooseWorkflow(
  found: FoundWorkflow[],
  known: readonly NodeDefinitions[],
  { none, source }: { none: string; source: string | null },
): ReadWorkflow {
  const [api, ...otherApis] = found.filter(({ kind }) => kind === 'api');
  const [editor, ...otherEditors] = found.filter(({ kind }) => kind === 'editor');
  const others = api ? otherApis : otherEditors;
  const first = api ?? editor;
  if (!first) return refusal(none);
  if (others.length > 0) {
    const places = [first, ...others].slice(0, 5).map(({ path }) => shownPath(path));
    return refusal(`it holds ${others.length + 1} workflows (${places.join(', ')}): make a file of each`);
  }
  const candidates = [api, editor].filter((it) => it !== undefined);
  if (api && editor && (source !== null || hasAppMode(editor.value))) candidates.reverse();
  const faults: string[] = [];
  for (const it of candidates) {
    const read = readFound(it, known);
    const place = `${shownPath(it.path) || 'the file'}${source ? ` in ${source}` : ''}`;
    if (!read.ok) faults.push(...read.faults.map((fault) => (candidates.length > 1 ? `${place}: ${fault}` : fault)));
    else {
      const rest = it.beside.length > 0 ? `; left out: ${listed(it.beside)}` : '';
      const taken = it.path.length > 0 ? [`the graph is ${place}${rest}`] : [];
      return { ...read, notes: [...taken, ...it.notes, ...read.notes, ...faults.map((fault) => `not used: ${fault}`)] };
    }
  }
  return { ok: false, faults };
}

function readFound({ kind, value }: FoundWorkflow, known: readonly NodeDefinitions[]): ReadWorkflow {
  if (kind === 'api') return readApi(value);
  const converted = convertWorkflow(value, knowingMost(known, classesIn(value)) ?? known.at(-1) ?? new Map());
  if (!converted.ok) return converted;
  const read = checked(converted.graph, converted.notes);
  return read.ok ? { ...read, app: converted.app } : read;
}

/** Files made by hand have keys such as `_comment` beside the nodes. */
function readApi(value: FoundWorkflow['value']): ReadWorkflow {
  const isNode = ([, node]: [string, unknown]) => isObject(node) && ('class_type' in node || 'inputs' in node);
  const entries = Object.entries(value);
  const rest = entries.filter((entry) => !isNode(entry)).map(([key]) => key);
  const notes = rest.length > 0 ? [`left out, being no node: ${listed(rest)}`] : [];
  return checked(Object.fromEntries(entries.filter(isNode)), notes);
}

function listed(keys: string[]): string {
  const shown = keys.slice(0, 5).map(quote).join(', ');
  return keys.length > 5 ? `${shown} and ${keys.length - 5} more` : shown;
}

function checked(value: unknown, notes: string[]): ReadWorkflow {
  const issues = createIssueList([]);
  const graph = checkGraph(value, [], issues);
  if (graph) return { ok: true, graph, notes, app: null };
  const faults = issues.found.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
  return { ok: false, faults };
}

function hasAppMode({ extra }: FoundWorkflow['value']): boolean {
  const { inputs, outputs } = isObject(extra) && isObject(extra.linearData) ? extra.linearData : {};
  return [inputs, outputs].some((chosen) => Array.isArray(chosen) && chosen.length > 0);
}

function refusal(fault: string): ReadWorkflow {
  return { ok: false, faults: [fault] };
}
