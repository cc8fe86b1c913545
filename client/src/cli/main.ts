#!/usr/bin/env node
// npx @comfygate/client types URL|schema.graphql, and npx @comfygate/client documents
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { graphqlUrl } from '../address.ts';
import * as documents from '../documents.ts';
import { Unauthenticated } from '../errors.ts';
import type { Workflow } from '../installation.ts';
import { createQuery } from '../query.ts';
import { inputsOfCatalogue } from './inputs-of-catalogue.ts';
import { inputsOfSchema } from './inputs-of-schema.ts';
import { type WorkflowInput, writeTypes } from './write-types.ts';

const USAGE = `Usage:
  npx @comfygate/client types SOURCE [--out comfy.d.ts]
  npx @comfygate/client documents [--out comfy-documents.json]

types writes what the workflows of a gateway take, which comfy.textToImage() and the like are checked by. SOURCE is the
address of a gateway, such as http://127.0.0.1:4000, or a file with its schema. A gateway that asks who calls is told by
the environment variable COMFYGATE_TOKEN: an API key or a token.

documents writes all that this version of the client asks for, by SHA-256: for PERSISTED_DOCUMENTS of a gateway that
executes listed documents only.

--out - prints them.`;

/** By a query that every gateway answers, introspection or not: only of workflows that the caller may run. */
async function inputsAt(address: string): Promise<WorkflowInput[]> {
  const token = process.env.COMFYGATE_TOKEN;
  const send: typeof fetch = (url, init) =>
    fetch(url, { ...init, headers: { ...init?.headers, ...(token && { authorization: `Bearer ${token}` }) } });
  const { workflows } = await createQuery(graphqlUrl(address), send)<{ workflows: Workflow[] }>(documents.WORKFLOWS);
  return inputsOfCatalogue(workflows);
}

async function typesOf(source: string): Promise<string> {
  const isAddress = /^https?:/.test(source);
  const inputs = isAddress ? await inputsAt(source) : await inputsOfSchema(await readFile(source, 'utf8'));
  return writeTypes(inputs, source);
}

function listOfDocuments(): string {
  const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
  const list = Object.fromEntries(Object.values(documents).map((text) => [hashOf(text), text]));
  return `${JSON.stringify(list, null, 2)}\n`;
}

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { out: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  const [command, source, ...more] = positionals;
  async function write(text: string, path: string) {
    if (path === '-') return void process.stdout.write(text);
    await writeFile(path, text);
    console.log(`wrote ${path}`);
  }
  if (values.help) console.log(USAGE);
  else if (command === 'documents' && source === undefined)
    await write(listOfDocuments(), values.out ?? 'comfy-documents.json');
  else if (command === 'types' && source !== undefined && more.length === 0)
    await write(await typesOf(source), values.out ?? 'comfy.d.ts');
  else throw new Error(USAGE);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { message, cause } = error as Error;
  console.error(cause instanceof Error ? `${message}: ${cause.message}` : message);
  if (error instanceof Unauthenticated) console.error('Set COMFYGATE_TOKEN to an API key or a token.');
  process.exitCode = 1;
}
