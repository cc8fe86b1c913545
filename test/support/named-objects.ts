import { type GraphQLInputType, type GraphQLSchema, getNamedType, isInputObjectType } from 'graphql';

/** Input types whose texts may name something of a caller; those of workflows take prompts and names of models. */
const WITH_TEXTS = new Set(['AddWorkflowInput', 'GenerateInput', 'CreateUploadInput', 'JobFilter']);

/**
 * Where operations of a schema take an id, or a text that may name something: `Query.job(id)` for an argument of a root
 * field, `FileInput.upload` for a field of an input type that one takes.
 */
export function namingPlaces(schema: GraphQLSchema): string[] {
  const places = new Set<string>();
  const seen = new Set<string>();

  function visit(type: GraphQLInputType, place: string, withTexts: boolean): void {
    const named = getNamedType(type);
    if (named.name === 'ID' || (withTexts && named.name === 'String')) places.add(place);
    if (!isInputObjectType(named) || seen.has(named.name)) return;
    seen.add(named.name);
    for (const field of Object.values(named.getFields())) {
      visit(field.type, `${named.name}.${field.name}`, WITH_TEXTS.has(named.name));
    }
  }
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    for (const field of Object.values(root?.getFields() ?? {})) {
      for (const arg of field.args) visit(arg.type, `${root?.name}.${field.name}(${arg.name})`, true);
    }
  }
  return [...places].sort();
}
