import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import type { Operation } from './operation.ts';

/**
 * What a field weighs, among its `extensions`. A point is a value of an answer: 1 to 2 µs of a gateway's processor, as
 * measured of pages of a hundred jobs.
 */
export interface FieldWeight {
  /** Of each value, in points. Default 1. */
  cost?: number;
  /**
   * How many objects a list is likely to have. Default: as many as `first` of the field around it asks for, or 1.
   */
  items?: number;
}

/** A field of an object, which is found out once however often the document asks for it under that name. */
interface Asked {
  node: FieldNode;
  type: GraphQLNamedType;
  sets: SelectionSetNode[];
}

/** Those of one operation, and whether they mattered. */
interface Scope {
  fragments: Map<string, FragmentDefinitionNode>;
  definitions: OperationDefinitionNode['variableDefinitions'];
  variables: { [name: string]: unknown };
  varies: boolean;
}

/**
 * What an operation whose document is valid is likely to cost with its variables, in points. A field counts under each
 * of its names as often as the lists around it have items, whatever the type of its object; what is skipped counts
 * nothing, and neither does introspection. Where no variable matters it is found out once for each operation.
 */
export function createCostOf(schema: GraphQLSchema) {
  const known = new WeakMap<OperationDefinitionNode, number>();

  return ({ document, operationName, variableValues }: Operation): number => {
    const operation = getOperationAST(document, operationName);
    const root = operation && schema.getRootType(operation.operation);
    if (!root) return 0;
    const before = known.get(operation);
    if (before !== undefined) return before;
    const fragments = new Map<string, FragmentDefinitionNode>();
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
    }
    const definitions = operation.variableDefinitions;
    const scope: Scope = { fragments, definitions, variables: { ...variableValues }, varies: false };
    const cost = costOfObject([operation.selectionSet], root, 1, scope);
    if (!scope.varies) known.set(operation, cost);
    return cost;
  };

  /** Of one object of that type; `first`: that of the field which gives the object. */
  function costOfObject(
    sets: readonly SelectionSetNode[],
    type: GraphQLNamedType,
    first: number,
    scope: Scope,
  ): number {
    const fields = new Map<string, Asked>();
    const visited = new Set<FragmentDefinitionNode>();
    for (const set of sets) collect(set, type, fields, visited, scope);
    let cost = 0;
    for (const asked of fields.values()) cost += costOfField(asked, first, scope);
    return cost;
  }

  /** `visited`: fragments, each of which says the same however often it is spread in this object. */
  function collect(
    set: SelectionSetNode,
    type: GraphQLNamedType,
    fields: Map<string, Asked>,
    visited: Set<FragmentDefinitionNode>,
    scope: Scope,
  ): void {
    for (const selection of set.selections) {
      if (isSkipped(selection.directives, scope)) continue;
      if (selection.kind === Kind.FIELD) {
        const { name, alias, selectionSet } = selection;
        const key = alias ? `${alias.value}:${name.value}` : name.value;
        const asked = fields.get(key) ?? { node: selection, type, sets: [] };
        fields.set(key, asked);
        if (selectionSet) asked.sets.push(selectionSet);
        continue;
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : scope.fragments.get(selection.name.value);
      if (!fragment) continue;
      if (fragment.kind === Kind.FRAGMENT_DEFINITION) {
        if (visited.has(fragment)) continue;
        visited.add(fragment);
      }
      const condition = fragment.typeCondition && schema.getType(fragment.typeCondition.name.value);
      collect(fragment.selectionSet, condition ?? type, fields, visited, scope);
    }
  }

  function costOfField({ node, type, sets }: Asked, first: number, scope: Scope): number {
    const { value: name } = node.name;
    if (name.startsWith('__')) return name === '__typename' ? 1 : 0;
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
    if (!field) return 0;
    const { cost = 1, items = first }: FieldWeight = field.extensions;
    if (sets.length === 0) return cost;
    const inner = costOfObject(sets, getNamedType(field.type), firstOf(node, field, scope), scope);
    return (isListType(getNullableType(field.type)) ? items : 1) * (cost + inner);
  }
}

/** How long a page the field asks for. What is no number there is refused when it is executed. */
function firstOf(node: FieldNode, field: GraphQLField<unknown, unknown>, scope: Scope): number {
  const argument = field.args.find(({ name }) => name === 'first');
  if (!argument) return 1;
  const given = node.arguments?.find(({ name }) => name.value === 'first');
  const value = (given && constantIn(given.value, scope)) ?? argument.defaultValue;
  return typeof value === 'number' && value >= 1 ? value : 1;
}

function isSkipped(directives: readonly DirectiveNode[] = [], scope: Scope): boolean {
  return directives.some(({ name, arguments: given = [] }) => {
    if (name.value !== 'skip' && name.value !== 'include') return false;
    const [condition] = given;
    return condition !== undefined && constantIn(condition.value, scope) === (name.value === 'skip');
  });
}

/** A number or a boolean, as it stands there or as its variable has it; of anything else undefined. */
function constantIn(node: ValueNode, scope: Scope): unknown {
  if (node.kind === Kind.INT) return Number(node.value);
  if (node.kind === Kind.BOOLEAN) return node.value;
  if (node.kind !== Kind.VARIABLE) return undefined;
  scope.varies = true;
  const { value: name } = node.name;
  const definition = scope.definitions?.find(({ variable }) => variable.name.value === name);
  if (Object.hasOwn(scope.variables, name)) return scope.variables[name];
  return definition?.defaultValue && constantIn(definition.defaultValue, scope);
}
