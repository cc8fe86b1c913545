import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ConfigError, loadConfig } from '../config/config.ts';
import type { NodeDefinitions } from '../core/node-definitions.ts';
import { graphText } from '../workflows/editor/graph-text.ts';
import { readWorkflowFile } from '../workflows/files/read-workflow-file.ts';
import { classesIn, knowingMost } from '../workflows/known-classes.ts';
import { type ClassOptions, type KnownClasses, readKnownClasses, UnreadableServer } from './known-classes.ts';
import type { WorkflowCommandsOptions } from './workflow-actions.ts';

const EX_CONFIG = 78;

export interface ConvertOptions extends ClassOptions {
  out?: string;
}

/** `comfygate workflow convert`. What cannot be converted is said, and does not keep the others from being written. */
export async function convert(
  files: readonly string[],
  options: ConvertOptions,
  io: WorkflowCommandsOptions,
): Promise<void> {
  const { write, note, fail } = io;
  const known = await readClasses(options, io);
  if (!known) return;
  if (options.out !== undefined) await mkdir(options.out, { recursive: true });
  const written = new Map<string, string>();
  for (const file of files) {
    const to = join(
      options.out ?? dirname(file),
      `${basename(file).replace(/(?:\.workflow)?\.[a-z]\w{1,10}$/i, '')}.api.json`,
    );
    const made = await readAndConvert(file, known.candidates);
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

async function readAndConvert(file: string, candidates: readonly NodeDefinitions[]): Promise<Made> {
  try {
    const read = await readWorkflowFile(file, candidates);
    if (!read.ok) return read;
    const { graph, notes } = read;
    const nodeDefinitions = knowingMost(candidates, classesIn(graph)) ?? new Map();
    return { ok: true, text: graphText(graph, nodeDefinitions), notes, faults: [] };
  } catch (error) {
    return { ok: false, faults: [error instanceof Error ? error.message : String(error)] };
  }
}

/** Null: what is wrong is said. */
async function readClasses(
  options: ConvertOptions,
  { env, note, fail }: WorkflowCommandsOptions,
): Promise<KnownClasses | null> {
  try {
    return await readKnownClasses(options, loadConfig(env), note);
  } catch (error) {
    if (error instanceof ConfigError) fail(`${error.problems.join('\n')}\n`, EX_CONFIG);
    else if (error instanceof UnreadableServer) fail(`${error.message}\n`, 1);
    else throw error;
    return null;
  }
}
