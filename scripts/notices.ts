import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

const packageSchema = z.object({ name: z.string(), version: z.string(), license: z.string() });

/**
 * The licences of the packages that modules come from, which must go with what is built of them. `modules`: paths of
 * files; those outside of node_modules have none of these licences.
 */
export function noticesOf(modules: Iterable<string>): string {
  const folders = new Set([...modules].flatMap((path) => packageFolderOf(path) ?? []));
  const notices = new Map([...folders].map(noticeOf));
  const sorted = [...notices].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([title, text]) => `${title}\n${'='.repeat(title.length)}\n\n${text}\n`).join('\n');
}

/** The folder of the package that a file belongs to, the innermost of those that are within each other. */
function packageFolderOf(path: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

function noticeOf(folder: string): [title: string, text: string] {
  const { name, version, license } = packageSchema.parse(
    JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')),
  );
  const file = readdirSync(folder).find((entry) => /^(?:licen[cs]e|copying)(?:\.(?:md|txt))?$/i.test(entry));
  // Packages of a monorepo often have their licence by name alone.
  const text = file === undefined ? `Licence: ${license}, by name alone.` : readFileSync(join(folder, file), 'utf8');
  return [`${name} ${version} (${license})`, text.trim()];
}
