import {
  defaultFieldResolver,
  type FieldNode,
  type GraphQLFieldResolver,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  isLeafType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { GatewayError } from '../../core/errors.ts';
import type { GraphContext } from '../context.ts';

/** Around the name of a field: quotes, colon and comma. */
const NAME_BYTES = 4;
/** What is no text and no object: a number, a time, a boolean. */
const SCALAR_BYTES = 16;

/** Has every value counted into the answer that it becomes part of, aliases too, before the next one is found out. */
export function countAnswers(schema: GraphQLSchema): void {
  const measure = createMeasure();
  const told = new WeakSet<object>();
  const subscription = schema.getSubscriptionType();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      const counts = isLeafType(getNamedType(field.type)) ? measure.leaf : measure.objects;
      const resolve = field.resolve ?? defaultFieldResolver;
      const first = type === subscription ? anew(resolve) : resolve;
      field.resolve = counted(first, counts, !isNonNullType(field.type), told);
    }
  }
}

type Count = (value: unknown, info: GraphQLResolveInfo) => number;
type Resolver = GraphQLFieldResolver<unknown, GraphContext>;

/** An event of a subscription, which is taken when the last one is out, is an answer of its own. */
function anew(resolve: Resolver): Resolver {
  return (source, args, context, info) => {
    context.budget.restart();
    return resolve(source, args, context, info);
  };
}

/** `told`: the answers that say that something of them was refused. */
function counted(resolve: Resolver, count: Count, nullable: boolean, told: WeakSet<object>): Resolver {
  const add = (value: unknown, { budget }: GraphContext, info: GraphQLResolveInfo) => {
    const refused = budget.answer(count(value, info));
    if (refused === null) return value;
    // Within lists there may be a hundred thousand, each with an error of its own: the first of an answer is enough.
    if (nullable && info.path.prev && told.has(info.variableValues)) return null;
    // Each execution has values of its own, also for each event of a subscription: they stand for its answer.
    told.add(info.variableValues);
    throw new GatewayError(refused, { code: 'LIMIT_EXCEEDED' });
  };
  return (source, args, context, info) => {
    const value = resolve(source, args, context, info);
    return value instanceof Promise ? value.then((settled) => add(settled, context, info)) : add(value, context, info);
  };
}

function createMeasure() {
  /** Values are the same objects in each answer about a job: each is measured once. */
  const lengths = new WeakMap<object, number>();
  const names = new WeakMap<FieldNode, number>();

  function lengthOf(value: object): number {
    const known = lengths.get(value);
    if (known !== undefined) return known;
    const length = Buffer.byteLength(JSON.stringify(value));
    lengths.set(value, length);
    return length;
  }

  function leaf(value: unknown): number {
    // Written as JSON, a character may take six bytes.
    if (typeof value === 'string') return value.length < 100 ? value.length : Buffer.byteLength(JSON.stringify(value));
    return typeof value === 'object' && value !== null ? lengthOf(value) : SCALAR_BYTES;
  }

  function namesIn({ selections }: SelectionSetNode, info: GraphQLResolveInfo): number {
    let length = 0;
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) length += (selection.alias ?? selection.name).value.length + NAME_BYTES;
      else if (selection.kind === Kind.INLINE_FRAGMENT) length += namesIn(selection.selectionSet, info);
      else {
        const fragment = info.fragments[selection.name.value];
        if (fragment) length += namesIn(fragment.selectionSet, info);
      }
    }
    return length;
  }

  /** The names of the fields of each, `__typename` as often as it is asked for; their values count themselves. */
  function objects(value: unknown, info: GraphQLResolveInfo): number {
    let length = 0;
    for (const node of info.fieldNodes) {
      const known = names.get(node) ?? (node.selectionSet ? namesIn(node.selectionSet, info) : 0);
      names.set(node, known);
      length += known;
    }
    return (Array.isArray(value) ? value.length : 1) * length;
  }

  return { leaf, objects };
}
