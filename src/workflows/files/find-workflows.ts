import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../../core/objects.ts';
import { isEditorWorkflow } from '../editor/convert.ts';
import { parseJsonText } from './parse-text.ts';

/** A workflow within a JSON value: `api` is a graph in API format, `editor` what the editor saves. */
export interface FoundWorkflow {
  kind: 'api' | 'editor';
  /** The keys that lead there; none where it is the whole value. */
  path: readonly (string | number)[];
  value: { [key: string]: unknown };
  /** What stands beside it, and beside that which it is in: the keys. */
  beside: string[];
  /** What was made of what JSON does not have, where it is a text. */
  notes: string[];
}

/** A value on the way down, and that which it is in. */
interface Visit {
  value: unknown;
  path: FoundWorkflow['path'];
  parent: Visit | null;
}

/** Deeper than any known envelope: civitai's has a text in an object, ComfyUI's history a list in an object in one. */
const MOST_DEPTH = 8;
const MOST_VALUES = 10_000;

/**
 * Finds the workflows in what carries them: bodies of ComfyUI's `/prompt` and of the services around it, entries of its
 * history, answers that hold both formats, texts in pictures. Each names the place otherwise, so they are known by
 * their form: an object of nodes with `class_type`, or one with a list of `nodes`. Of each kind those are returned that
 * lie least deep. A text that is JSON is looked into.
 */
export function findWorkflows(value: unknown): FoundWorkflow[] {
  const found: FoundWorkflow[] = [];
  const open: Visit[] = [{ value, path: [], parent: null }];
  // Breadth first: the queue grows while it is walked.
  for (const visit of open) {
    const { value, path } = visit;
    const { content, notes } = typeof value === 'string' ? contentOf(value) : { content: value, notes: [] };
    const kind = kindOf(content);
    if (kind && isObject(content)) {
      const [least, ...others] = found.filter((other) => other.kind === kind);
      const isNew = ![least, ...others].some((other) => other && isDeepStrictEqual(other.value, content));
      if (isNew && (!least || least.path.length === path.length)) {
        found.push({ kind, path, value: content, beside: keysBeside(visit), notes });
      }
    } else if (path.length < MOST_DEPTH && typeof content === 'object' && content !== null) {
      const items = Array.isArray(content) ? content.entries() : Object.entries(content);
      const parent = { ...visit, value: content };
      for (const [key, item] of items) {
        if (open.length < MOST_VALUES) open.push({ value: item, path: [...path, key], parent });
      }
    }
  }
  return found;
}

function keysBeside({ path, parent }: Visit): string[] {
  if (!parent) return [];
  const keys = isObject(parent.value) ? Object.keys(parent.value) : [];
  return [...keysBeside(parent), ...keys.filter((key) => key !== path.at(-1))];
}

function kindOf(value: unknown): FoundWorkflow['kind'] | null {
  if (isEditorWorkflow(value)) return 'editor';
  return isObject(value) && Object.values(value).some(isNode) ? 'api' : null;
}

function isNode(value: unknown): boolean {
  return isObject(value) && typeof value.class_type === 'string';
}

function contentOf(text: string): { content: unknown; notes: string[] } {
  const parsed = /^\s*[[{]/.test(text) ? parseJsonText(text) : null;
  return parsed?.ok ? { content: parsed.value, notes: parsed.notes } : { content: null, notes: [] };
}

/** `prompt[2]`, `input.workflow`. */
export function shownPath(path: FoundWorkflow['path']): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${key}`)).join('');
}
