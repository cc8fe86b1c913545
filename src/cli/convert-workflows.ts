import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parseExactJson } from '../core/exact-json.ts';
import type { NodeDefinitions } from '../core/node-definitions.ts';
import { objectInfoSchema } from '../core/object-info.ts';
import { graphText } from '../workflows/editor/graph-text.ts';
import { readWorkflowFile } from '../workflows/files/read-workflow-file.ts';
import { readStockNodeDefinitions } from '../workflows/stock-node-definitions.ts';
import type { WorkflowCommandsOptions } from './workflow-actions.ts';

export interface ConvertOptions {
  comfyui?: string;
  objectInfo?: string;
  out?: string;
}

/** `comfygate workflow convert`. What cannot be converted is said, and does not keep the others from being written. */
export async function convert(
  files: readonly string[],
  options: ConvertOptions,
  { write, note, fail }: WorkflowCommandsOptions,
): Promise<void> {
  const nodeDefinitions = await readDefinitions(options);
  if (typeof nodeDefinitions === 'string') return fail(`${nodeDefinitions}\n`, 1);
  if (options.out !== undefined) await mkdir(options.out, { recursive: true });
  const written = new Map<string, string>();
  for (const file of files) {
    const to = join(
      options.out ?? dirname(file),
      `${basename(file).replace(/(?:\.workflow)?\.[a-z]\w{1,10}$/i, '')}.api.json`,
    );
    const made = await readAndConvert(file, nodeDefinitions);
    const twin = written.get(to);
    const faults = twin !== undefined && made.ok ? [`${to} was written for ${twin}: use another --out.`] : made.faults;
    if (!made.ok || faults.length > 0) {
      fail(faults.map((fault) => `${file}: ${fault}\n`).join(''), 1);
      continue;
    }
    await writeFile(to, made.text);
    written.set(to, file);
    write(`${to}\n`);
    note(made.notes.map((each) => `${file}: Note: ${each}\n`).join(''));
  }
}

type Made = { ok: true; text: string; notes: string[]; faults: [] } | { ok: false; faults: string[] };

async function readAndConvert(file: string, nodeDefinitions: NodeDefinitions): Promise<Made> {
  try {
    const read = await readWorkflowFile(file, nodeDefinitions);
    if (!read.ok) return read;
    return { ok: true, text: graphText(read.graph, nodeDefinitions), notes: read.notes, faults: [] };
  } catch (error) {
    return { ok: false, faults: [error instanceof Error ? error.message : String(error)] };
  }
}

/** A text says why there are none. */
async function readDefinitions({ comfyui, objectInfo }: ConvertOptions): Promise<NodeDefinitions | string> {
  if (objectInfo !== undefined && comfyui === undefined) {
    try {
      return objectInfoSchema.parse(parseExactJson(await readFile(objectInfo, 'utf8')));
    } catch (error) {
      const reason = error instanceof Error ? error.message.slice(0, 200) : String(error);
      return `--object-info ${objectInfo}: expected what a ComfyUI answers to GET /object_info; ${reason}`;
    }
  }
  if (comfyui === undefined) return readStockNodeDefinitions();
  // What it needs for the other commands, the whole schema, takes longer to load than to convert a hundred files.
  const { readObjectInfo, UnreadableServer } = await import('./workflow-actions.ts');
  try {
    return await readObjectInfo(comfyui);
  } catch (error) {
    if (error instanceof UnreadableServer) return error.message;
    throw error;
  }
}
