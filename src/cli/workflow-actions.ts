import { randomUUID } from 'node:crypto';
import { type GraphQLInputObjectType, isEnumType, isInputObjectType, printType } from 'graphql';
import { type Config, ConfigError, loadConfig } from '../config/config.ts';
import { createSchema } from '../graphql/schema.ts';
import { AddError, addWorkflow } from '../workflows/add/add-workflow.ts';
import { CatalogueError, type Workflow } from '../workflows/catalogue.ts';
import { inputTypeName } from '../workflows/check-names.ts';
import { checkAgainstServer } from '../workflows/check-server.ts';
import { loadCatalogue } from '../workflows/load.ts';
import { readStockNodeDefinitions } from '../workflows/stock-node-definitions.ts';
import { fitToServers } from './fit-to-servers.ts';
import { readKnownClasses, readObjectInfo, UnreadableServer } from './known-classes.ts';
import { untilOffered } from './running-gateway.ts';
import { sampleCall, sampleValues } from './sample-call.ts';
import { sampleFiles } from './sample-files.ts';

const EX_CONFIG = 78;

/** `comfygate workflow add`. */
export function add(file: string, options: AddOptions, io: WorkflowCommandsOptions): Promise<void> {
  return withConfig(io, async (config) => {
    const { workflowsDir, jobs, http } = config;
    const { maxMegapixels } = jobs;
    const { force, name = null, dir = workflowsDir } = options;
    const { candidates, servers } = await readKnownClasses(options, config, io.note);
    const stock = await readStockNodeDefinitions();
    const added = await addWorkflow({ file, name, dir, force, candidates, stock, maxMegapixels });
    const { workflow, folder, notes } = added;
    const count = workflow.parameters.length;
    const { input, text } = inputOf(workflow);
    const samples = await sampleFiles(workflow, config);
    const call = fitToServers(workflow, sampleValues(workflow, samples.files), servers);
    const lines = [
      `${folder}: ${count} ${count === 1 ? 'parameter' : 'parameters'}`,
      '',
      text,
      '',
      ...[...notes, ...call.changes].map((note) => `Note: ${note}`),
      `Trim ${folder}/manifest.json: take out what callers should not set, mend limits and descriptions.`,
      'comfygate workflow check finds what is wrong with it.',
      '',
      await whereItRuns(workflow, dir === workflowsDir ? http.publicUrl : undefined),
      ...samples.about,
      ...call.faults.map((fault) => `No server takes it yet: ${fault}`),
      `${call.faults.length > 0 ? 'Once that is mended' : 'Then'} this works in GraphiQL${graphiqlAt(http.publicUrl)}:`,
      '',
      sampleCall(workflow, input, `${workflow.name}-${randomUUID().slice(0, 8)}`, call.values),
    ];
    io.write(`${lines.join('\n')}\n`);
  });
}

/** `comfygate workflow check`. */
export function check(options: WorkflowOptions, io: WorkflowCommandsOptions): Promise<void> {
  return withConfig(io, async ({ workflowsDir, jobs: { maxMegapixels } }) => {
    const dir = options.dir ?? workflowsDir;
    const { workflows } = await loadCatalogue({ dir, maxMegapixels });
    const server = options.comfyui === undefined ? null : await readObjectInfo(options.comfyui);
    const faults = server ? workflows.flatMap((it) => checkAgainstServer(it, server)) : [];
    if (faults.length > 0) throw new CatalogueError(dir, faults);
    const count = workflows.length === 1 ? '1 workflow' : `${workflows.length} workflows`;
    const them = workflows.length === 1 ? 'it' : 'them';
    const lines = [...workflows.map(({ name }) => `${name}: ok`), count];
    io.write(`${lines.join('\n')}${server ? `, and the server can run ${them}` : ''}\n`);
  });
}

/**
 * Runs a command with the configuration. Errors that the person at the terminal can correct are printed without a
 * stack.
 */
async function withConfig(
  { env, fail }: WorkflowCommandsOptions,
  run: (config: Config) => Promise<void>,
): Promise<void> {
  try {
    await run(loadConfig(env));
  } catch (error) {
    const ours = error instanceof AddError || error instanceof CatalogueError || error instanceof UnreadableServer;
    if (!ours && !(error instanceof ConfigError)) throw error;
    if (error instanceof ConfigError) fail(`${error.problems.join('\n')}\n`, EX_CONFIG);
    else fail(`${error.message}\n`, 1);
  }
}

/** The workflow's input type, and it and its enum types as GraphQL. Long lists of choices are cut. */
function inputOf(workflow: Workflow): { input: GraphQLInputObjectType; text: string } {
  const catalogue = { workflows: [workflow], get: (name: string) => (name === workflow.name ? workflow : undefined) };
  const schema = createSchema(catalogue);
  const input = schema.getType(inputTypeName(workflow.name));
  if (!isInputObjectType(input)) throw new Error(`the schema has no input type for ${workflow.name}`);
  const enums = new Set(workflow.parameters.flatMap(({ enumType }) => enumType ?? []));
  const types = [...enums].map((name) => schema.getType(name)).filter(isEnumType);
  const choices = types.map((type) => `enum ${type.name} { ${choicesOf(type.getValues().map(({ name }) => name))} }`);
  return { input, text: [printType(input), ...choices].join('\n\n') };
}

/** `publicUrl` undefined: it is not known where one runs that reads this folder. */
async function whereItRuns(workflow: Workflow, publicUrl: string | undefined): Promise<string> {
  const state = publicUrl === undefined ? 'unknown' : await untilOffered(workflow, publicUrl);
  switch (state) {
    case 'offered':
      return `The gateway at ${publicUrl} has taken it, and takes later changes within 2 s.`;
    case 'elsewhere':
      return `The gateway at ${publicUrl} has not taken it: is its WORKFLOWS_DIR another? It logs what it cannot take.`;
    case 'unknown':
      return 'A gateway that runs with this folder takes it, and later changes, within 2 s; npm start starts one.';
  }
}

/** Where a gateway with these settings is; it may run with others. */
function graphiqlAt(publicUrl: string | undefined): string {
  return publicUrl === undefined ? '' : ` (${publicUrl}/graphql, unless yours is elsewhere)`;
}

function choicesOf(names: string[]): string {
  return names.length > 12 ? `${names.slice(0, 10).join(' ')} … and ${names.length - 10} more` : names.join(' ');
}

export interface WorkflowOptions {
  dir?: string;
  comfyui?: string;
}

export interface AddOptions extends WorkflowOptions {
  name?: string;
  force: boolean;
}

export interface WorkflowCommandsOptions {
  /** Its settings are the defaults of the options. */
  env: NodeJS.ProcessEnv;
  write(text: string): void;
  /** Prints to the standard error. */
  note(text: string): void;
  /** Prints an error and sets the exit code of the process. */
  fail(text: string, exitCode: number): void;
}
