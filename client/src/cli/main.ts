#!/usr/bin/env node
// npx @comfygate/client types URL|schema.graphql [--out comfy.d.ts]
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { graphqlUrl } from '../address.ts';
import { WORKFLOWS } from '../documents.ts';
import { Unauthenticated } from '../errors.ts';
import type { Workflow } from '../installation.ts';
import { createQuery } from '../query.ts';
import { inputsOfCatalogue } from './inputs-of-catalogue.ts';
import { inputsOfSchema } from './inputs-of-schema.ts';
import { type WorkflowInput, writeTypes } from './write-types.ts';

const USAGE = `Usage: npx @comfygate/client types SOURCE [--out FILE]

Writes the types of the inputs of a gateway's workflows, which comfy.textToImage() and the like are checked by.

  SOURCE       address of a gateway, such as http://127.0.0.1:4000, or a file with its schema
  --out FILE   default: comfy.d.ts; - prints them

A gateway that asks who calls is told by the environment variable COMFYGATE_TOKEN: an API key or a token.`;

/** By a query that every gateway answers, introspection or not: only of workflows that the caller may run. */
async function inputsAt(address: string): Promise<WorkflowInput[]> {
  const token = process.env.COMFYGATE_TOKEN;
  const send: typeof fetch = (url, init) =>
    fetch(url, { ...init, headers: { ...init?.headers, ...(token && { authorization: `Bearer ${token}` }) } });
  const { workflows } = await createQuery(graphqlUrl(address), send)<{ workflows: Workflow[] }>(WORKFLOWS);
  return inputsOfCatalogue(workflows);
}

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { out: { type: 'string', default: 'comfy.d.ts' }, help: { type: 'boolean', short: 'h' } },
  });
  const [command, source, ...more] = positionals;
  if (values.help) return console.log(USAGE);
  if (command !== 'types' || source === undefined || more.length > 0) throw new Error(USAGE);
  const isAddress = /^https?:/.test(source);
  const inputs = isAddress ? await inputsAt(source) : await inputsOfSchema(await readFile(source, 'utf8'));
  const text = writeTypes(inputs, source);
  if (values.out === '-') return void process.stdout.write(text);
  await writeFile(values.out, text);
  console.log(`${values.out}: ${inputs.map(({ name }) => name).join(', ')}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { message, cause } = error as Error;
  console.error(cause instanceof Error ? `${message}: ${cause.message}` : message);
  if (error instanceof Unauthenticated) console.error('Set COMFYGATE_TOKEN to an API key or a token.');
  process.exitCode = 1;
}
