import { offeredModels } from '../../backends/backends.ts';
import { unavailable } from '../../core/errors.ts';
import type { ArtifactKind } from '../../core/job.ts';
import type { ParameterType, Workflow, WorkflowParameter } from '../../workflows/catalogue.ts';
import { createMissingOf, type MissingOf } from '../../workflows/missing.ts';
import type { Builder } from '../builder.ts';
import type { GraphServices } from '../context.ts';
import type { FieldWeight } from '../engine/document-cost.ts';
import { needsCaller } from '../scopes.ts';
import type { FileKindType } from './file-input.ts';

const types = {
  STRING: { value: 'STRING', description: 'Text.' },
  INT: { value: 'INT', description: 'An integer of 32 bits.' },
  FLOAT: { value: 'FLOAT', description: 'A number.' },
  BOOLEAN: { value: 'BOOLEAN', description: 'True or false.' },
  ENUM: { value: 'ENUM', description: 'One of `choices`.' },
  SEED: { value: 'SEED', description: 'Start of the random numbers, 0 to 2^53-1; drawn when absent.' },
  MODEL: { value: 'MODEL', description: 'Name of a model file; `choices` are those of the running ComfyUIs.' },
  FILE: { value: 'FILE', description: 'An input file.' },
} as const satisfies Record<ParameterType, { value: ParameterType; description: string }>;

async function modelChoices(services: GraphServices, modelOf: string) {
  const backends = await services.backends.backends().catch((error: unknown) => {
    throw unavailable('The models cannot be listed right now.', 1, error);
  });
  return offeredModels(backends, modelOf).map((name) => ({ value: name, label: name }));
}

/** What each server is missing for a workflow, where its classes are known. */
async function backendsOf(services: GraphServices, workflow: Workflow, missingOf: MissingOf) {
  const seen = await services.nodeDefinitions.read().catch((error: unknown) => {
    throw unavailable('The servers cannot be listed right now.', 1, error);
  });
  return seen.flatMap(({ name, configured, nodeDefinitions }) => {
    return configured && nodeDefinitions ? [{ backend: name, missing: missingOf(workflow, nodeDefinitions) }] : [];
  });
}

function choicesOf(parameter: WorkflowParameter, services: GraphServices) {
  return parameter.modelOf === null ? parameter.choices : modelChoices(services, parameter.modelOf);
}

const artifactKinds = {
  IMAGE: { value: 'image', description: 'Pictures: ImageArtifact.' },
  VIDEO: { value: 'video', description: 'Films: VideoArtifact.' },
  AUDIO: { value: 'audio', description: 'Sound: AudioArtifact.' },
  TEXT: { value: 'text', description: 'Text: TextArtifact.' },
  FILE: { value: 'file', description: 'Files of other kinds: FileArtifact.' },
} as const satisfies { [name: string]: { value: ArtifactKind; description: string } };

export function addWorkflow(builder: Builder, fileKind: FileKindType): void {
  const missingOf = createMissingOf();
  const artifactKind = builder.enumType('ArtifactKind', {
    description: 'What a workflow makes, by the type of its artifacts.',
    values: artifactKinds,
  });
  const parameterType = builder.enumType('ParameterType', { description: 'What a parameter takes.', values: types });

  builder.objectType('Choice', {
    description: 'A value that a parameter can take.',
    fields: (t) => ({
      value: t.exposeString('value', { nullable: false, description: 'What the API takes.' }),
      label: t.exposeString('label', { nullable: false, description: 'What ComfyUI calls it.' }),
    }),
  });
  builder.objectType('WorkflowParameter', {
    description: 'Something that a workflow lets its caller choose.',
    fields: (t) => ({
      name: t.exposeString('name', { nullable: false, description: "Its field in the workflow's input." }),
      title: t.exposeString('title', { nullable: false, description: 'Its name, for a person.' }),
      type: t.expose('type', { type: parameterType, nullable: false, description: 'What it takes.' }),
      list: t.exposeBoolean('list', { nullable: false, description: 'Whether it takes several.' }),
      required: t.exposeBoolean('required', { nullable: false, description: 'Whether it must be given.' }),
      description: t.exposeString('description', { nullable: true, description: 'What it is for.' }),
      default: t.expose('default', {
        type: 'JSON',
        nullable: true,
        description: 'What it is when absent; null where it then stays out or is drawn.',
      }),
      minimum: t.exposeFloat('minimum', { nullable: true, description: 'The smallest number.' }),
      maximum: t.exposeFloat('maximum', { nullable: true, description: 'The largest number.' }),
      multipleOf: t.exposeFloat('multipleOf', { nullable: true, description: 'What a number must be a multiple of.' }),
      multiline: t.exposeBoolean('multiline', {
        nullable: false,
        description: 'Whether it is a text that may need several lines.',
      }),
      advanced: t.exposeBoolean('advanced', {
        nullable: false,
        description: 'Whether a form may hide it until it is asked for.',
      }),
      fileKind: t.field({
        type: fileKind,
        nullable: true,
        description: 'For FILE: what the file must be.',
        resolve: ({ file }) => file,
      }),
      maxLength: t.exposeInt('maxLength', { nullable: true, description: 'The most characters that a text may have.' }),
      choices: t.field({
        type: ['Choice'],
        extensions: { items: 20 } satisfies FieldWeight,
        nullable: true,
        description: 'For ENUM, and for MODEL what the running ComfyUIs offer.',
        resolve: (parameter, _args, { services }) => choicesOf(parameter, services),
      }),
    }),
  });
  builder.objectType('WorkflowBackend', {
    description: 'What a ComfyUI server has of what a workflow needs.',
    fields: (t) => ({
      backend: t.exposeString('backend', { nullable: false, description: 'Its name in `backends`.' }),
      canRun: t.boolean({
        nullable: false,
        description:
          'Whether it has all that the workflow needs with its defaults, reached at the moment or not. Where it ' +
          'is false, other values may still do: a model that the server has, for one that it lacks.',
        resolve: ({ missing }) => missing.length === 0,
      }),
      missing: t.stringList({
        nullable: false,
        description:
          'What it lacks, for a person: `class UpscaleModelLoader`, `model x.safetensors ' +
          '(CheckpointLoaderSimple.ckpt_name)`.',
        resolve: ({ missing }) => [...missing],
      }),
    }),
  });
  builder.objectType('Workflow', {
    description: 'A workflow of the catalogue: a graph of ComfyUI with parameters.',
    fields: (t) => ({
      name: t.exposeString('name', { nullable: false, description: 'Its field in `WorkflowInput`.' }),
      title: t.exposeString('title', { nullable: false, description: 'For a person.' }),
      description: t.exposeString('description', { nullable: true, description: 'What it makes.' }),
      makes: t.field({
        type: [artifactKind],
        nullable: false,
        description: 'Kinds of what its outputs are. Empty where that is not known.',
        resolve: ({ makes }) => makes,
      }),
      parameters: t.field({
        type: ['WorkflowParameter'],
        extensions: { items: 10 } satisfies FieldWeight,
        nullable: false,
        description: 'What its caller can choose.',
        resolve: ({ parameters }) => parameters,
      }),
      backends: t.field({
        type: ['WorkflowBackend'],
        extensions: { items: 4 } satisfies FieldWeight,
        nullable: false,
        description:
          'What the known ComfyUI servers have of what it needs; one whose node classes nobody has read yet is ' +
          'left out.',
        resolve: (workflow, _args, { services }) => backendsOf(services, workflow, missingOf),
      }),
    }),
  });

  builder.queryFields((t) => ({
    workflows: t.field({
      type: ['Workflow'],
      extensions: { items: 20 } satisfies FieldWeight,
      nullable: true,
      authScopes: needsCaller('job:read'),
      description: 'The catalogue: each is a field of `WorkflowInput`.',
      resolve: (_root, _args, { services }) => services.catalogue.workflows,
    }),
    workflow: t.field({
      type: 'Workflow',
      nullable: true,
      authScopes: needsCaller('job:read'),
      description: 'One workflow of the catalogue, or null when there is none of that name.',
      args: { name: t.arg.string({ required: true, description: 'Its field in `WorkflowInput`.' }) },
      resolve: (_root, { name }, { services }) => services.catalogue.get(name) ?? null,
    }),
  }));
}
