import type {
  EnumTypeDefinitionNode,
  InputObjectTypeDefinitionNode,
  InputValueDefinitionNode,
  TypeNode,
} from 'graphql';
import { type InputField, listOf, unionOf, type WorkflowInput } from './write-types.ts';

const SCALARS: Record<string, string> = {
  Boolean: 'boolean',
  DateTime: 'string',
  FileInput: 'FileInput',
  Float: 'number',
  ID: 'string',
  Int: 'number',
  SafeInt: 'number',
  String: 'string',
};

type Inputs = Map<string, InputObjectTypeDefinitionNode | EnumTypeDefinitionNode>;

/** As a schema has them: the text of `schema.graphql`. */
export async function inputsOfSchema(text: string): Promise<WorkflowInput[]> {
  // Only this command needs it: it comes with graphql-ws.
  const { parse } = await import('graphql');
  const types: Inputs = new Map();
  for (const definition of parse(text).definitions) {
    if (definition.kind === 'InputObjectTypeDefinition' || definition.kind === 'EnumTypeDefinition')
      types.set(definition.name.value, definition);
  }
  const workflows = fieldsOf('WorkflowInput', types);
  if (!workflows) throw new Error('expected the schema of a gateway, got one without an input WorkflowInput');
  return workflows
    .filter(({ name }) => name.value !== 'custom')
    .map(({ name, description, type }) => ({
      name: name.value,
      description: description?.value,
      fields: (fieldsOf(nameOf(type), types) ?? []).map((field) => inputField(field, types)),
    }));
}

function inputField({ name, description, type, defaultValue }: InputValueDefinitionNode, types: Inputs): InputField {
  return {
    name: name.value,
    type: typeOf(type, types),
    required: type.kind === 'NonNullType' && !defaultValue,
    description: description?.value,
  };
}

function fieldsOf(name: string, types: Inputs): readonly InputValueDefinitionNode[] | undefined {
  const type = types.get(name);
  return type?.kind === 'InputObjectTypeDefinition' ? type.fields : undefined;
}

function typeOf(type: TypeNode, types: Inputs): string {
  if (type.kind === 'NonNullType') return typeOf(type.type, types);
  if (type.kind === 'ListType') return listOf(typeOf(type.type, types));
  const definition = types.get(type.name.value);
  if (definition?.kind !== 'EnumTypeDefinition') return SCALARS[type.name.value] ?? 'unknown';
  return unionOf((definition.values ?? []).map(({ name }) => name.value));
}

function nameOf(type: TypeNode): string {
  return type.kind === 'NamedType' ? type.name.value : nameOf(type.type);
}
