import type { InputFieldRef, InputRef, InputType } from '@pothos/core';
import type { Choice, Workflow, WorkflowCatalogue, WorkflowParameter } from '../../workflows/catalogue.ts';
import { inputTypeName } from '../../workflows/check-names.ts';
import type { Builder, SchemaTypes } from '../builder.ts';
import { hasUnknown, type InputCheck } from '../engine/input-issues.ts';
import { addCustomInput } from './custom-input.ts';
import { addFileInput, type FileKindType } from './file-input.ts';
import { parameterText } from './parameter-text.ts';

/** The one field that was given, with that workflow's own input. */
export type WorkflowChoice = { [workflow: string]: ParameterValues | null | undefined };

type ParameterValues = { [parameter: string]: unknown };

type FieldType = InputType<SchemaTypes>;

/** Enum types by name: parameters, also of different workflows, share them. */
type EnumTypes = Map<string, FieldType>;

/**
 * Tries a workflow's limits on the input of a request that has already failed, so that its answer names every fault at
 * once.
 */
function checkOf(workflow: Workflow): InputCheck {
  const files = workflow.parameters.filter(({ type }) => type === 'FILE').map(({ name }) => name);
  return (value, path) => {
    const parsed = workflow.parse(value, [...path]);
    if (parsed.ok) return [];
    // Where variables are not known yet, neither is what is wrong with a file.
    const unknown = files.filter((name) => hasUnknown(value[name]));
    return parsed.issues.filter((issue) => !unknown.includes(String(issue.path[path.length])));
  };
}

function addEnum(builder: Builder, name: string, choices: readonly Choice[]): FieldType {
  return builder.enumType(name, {
    description: 'Choices of ComfyUI under names that GraphQL takes.',
    values: Object.fromEntries(
      choices.map(({ value, label }) => [value, { value, description: `ComfyUI calls it \`${label}\`.` }]),
    ),
  });
}

/** The types that parameters share. */
interface SharedTypes {
  enums: EnumTypes;
  fileInput: FieldType;
}

function typeOf(builder: Builder, { enums, fileInput }: SharedTypes, parameter: WorkflowParameter): FieldType {
  switch (parameter.type) {
    case 'STRING':
    case 'MODEL':
      return 'String';
    case 'INT':
      return 'Int';
    case 'FLOAT':
      return 'Float';
    case 'BOOLEAN':
      return 'Boolean';
    case 'SEED':
      return 'SafeInt';
    case 'ENUM': {
      const { name, enumType, choices } = parameter;
      if (enumType === null || choices === null) throw new Error(`the ENUM parameter ${name} has no enum type`);
      const type = enums.get(enumType) ?? addEnum(builder, enumType, choices);
      enums.set(enumType, type);
      return type;
    }
    case 'FILE':
      return fileInput;
  }
}

function addInput(builder: Builder, shared: SharedTypes, workflow: Workflow): InputRef<ParameterValues> {
  const ref = builder.inputRef<ParameterValues>(inputTypeName(workflow.name));
  builder.inputType(ref, {
    description: `Parameters of the workflow \`${workflow.name}\`: ${workflow.description ?? workflow.title}`,
    extensions: { check: checkOf(workflow) },
    fields: (t) =>
      Object.fromEntries(
        workflow.parameters.map((parameter): [string, InputFieldRef<SchemaTypes, unknown>] => {
          const type = typeOf(builder, shared, parameter);
          const { name, list, required } = parameter;
          const value = parameter.type === 'MODEL' ? null : parameter.default;
          const options = { required, description: parameterText(parameter) };
          if (list)
            return [name, t.field({ ...options, type: [type], ...(Array.isArray(value) && { defaultValue: value }) })];
          return [name, t.field({ ...options, type, ...(value !== null && { defaultValue: value }) })];
        }),
      ),
  });
  return ref;
}

/** WorkflowInput: a field for each workflow of the catalogue, and `custom`. */
export function addWorkflowInput(
  builder: Builder,
  catalogue: WorkflowCatalogue,
  fileKind: FileKindType,
): InputRef<WorkflowChoice> {
  const fileInput = addFileInput(builder);
  const shared: SharedTypes = { enums: new Map(), fileInput };
  const custom = addCustomInput(builder, fileInput, fileKind);

  const ref = builder.inputRef<WorkflowChoice>('WorkflowInput');
  builder.inputType(ref, {
    isOneOf: true,
    description: 'One field for each workflow of the catalogue; exactly one is given.',
    fields: (t) => ({
      ...Object.fromEntries(
        catalogue.workflows.map((workflow) => [
          workflow.name,
          t.field({
            type: addInput(builder, shared, workflow),
            required: false,
            description: workflow.description ?? workflow.title,
          }),
        ]),
      ),
      custom: t.field({ type: custom, required: false, description: 'Any API-format graph.' }),
    }),
  });
  return ref;
}
