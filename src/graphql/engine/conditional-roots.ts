import { type DocumentNode, type FragmentDefinitionNode, GraphQLError, Kind, type SelectionSetNode } from 'graphql';

/**
 * A subscription's one field may not depend on @skip or @include, as the specification has it by now: graphql-js fails
 * on a subscription that is left with no field, and even while it validates one that depends on a variable.
 */
export function conditionalRoots(document: DocumentNode): GraphQLError[] {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const seen = new Set<string>();
  const within = ({ selections }: SelectionSetNode): GraphQLError[] =>
    selections.flatMap((selection) => {
      const directive = selection.directives?.find(({ name }) => name.value === 'skip' || name.value === 'include');
      if (directive) {
        const message = `The field of a subscription cannot depend on @${directive.name.value}.`;
        return [new GraphQLError(message, { nodes: directive, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } })];
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) return within(selection.selectionSet);
      if (selection.kind === Kind.FIELD || seen.has(selection.name.value)) return [];
      seen.add(selection.name.value);
      const fragment = fragments.get(selection.name.value);
      return fragment ? within(fragment.selectionSet) : [];
    });
  return document.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION && definition.operation === 'subscription'
      ? within(definition.selectionSet)
      : [],
  );
}
