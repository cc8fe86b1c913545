import {
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { ObservedOperation } from '../../observability/operation-observer.ts';

type OperationLabels = Omit<ObservedOperation, 'requestId'>;

/** Of what is no operation yet, or none of this schema. */
const UNKNOWN_OPERATION: OperationLabels = { operation: 'other', type: 'other' };

/**
 * What an operation is counted under: the name of its root field, which only the schema gives, so that no client can
 * make up another. Several root fields, and `__schema` and the like, are `other`.
 */
export function createOperationLabels(schema: GraphQLSchema) {
  const known = new WeakMap<OperationDefinitionNode, OperationLabels>();

  function find(document: DocumentNode, operation: OperationDefinitionNode): OperationLabels {
    const fields = rootFields(document, operation.selectionSet);
    const [only] = fields;
    const name = only && fields.length === 1 ? only.name.value : '';
    const ours = schema.getRootType(operation.operation)?.getFields() ?? {};
    return { operation: Object.hasOwn(ours, name) ? name : 'other', type: operation.operation };
  }

  /** `operationName`: as it was sent, null where none was. */
  return (document: DocumentNode | undefined, operationName: string | null | undefined): OperationLabels => {
    const operation = document && getOperationAST(document, operationName);
    if (!document || !operation) return UNKNOWN_OPERATION;
    const labels = known.get(operation) ?? find(document, operation);
    known.set(operation, labels);
    return labels;
  };
}

/** Those of an operation, fragments included; of a document that may break any rule. */
function rootFields(document: DocumentNode, selections: SelectionSetNode): FieldNode[] {
  const seen = new Set<string>();

  function collect({ selections: each }: SelectionSetNode): FieldNode[] {
    return each.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return selection;
      if (selection.kind === Kind.INLINE_FRAGMENT) return collect(selection.selectionSet);
      const name = selection.name.value;
      if (seen.has(name)) return [];
      seen.add(name);
      const fragment = document.definitions.find(
        (definition) => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name,
      );
      return fragment?.kind === Kind.FRAGMENT_DEFINITION ? collect(fragment.selectionSet) : [];
    });
  }
  return collect(selections);
}
