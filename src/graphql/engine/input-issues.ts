import {
  type DocumentNode,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLLeafType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  Kind,
  type OperationDefinitionNode,
  TypeInfo,
  type ValueNode,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { excerpt, type InputIssue } from '../../core/errors.ts';
import { isObject, own } from '../../core/objects.ts';
import { choiceHints, nearestChoices, suggestionOf } from '../../workflows/choices.ts';

/** Nobody reads more of them at once. */
const MAX_ISSUES = 100;

/** Stands for a variable whose value is not known: nothing is said about it. */
const unknownValue = Symbol('unknown value');

type Path = readonly (string | number)[];

const expectedScalars: { [name: string]: string } = {
  Int: 'expected an integer of 32 bits',
  Float: 'expected a number',
  String: 'expected a string',
  Boolean: 'expected true or false',
  ID: 'expected a string or an integer',
};

/** A literal as plain data; enum values become strings. */
function plain(node: ValueNode, variables: { [name: string]: unknown } | null): unknown {
  switch (node.kind) {
    case Kind.VARIABLE:
      return variables ? variables[node.name.value] : unknownValue;
    case Kind.NULL:
      return null;
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.STRING:
    case Kind.BOOLEAN:
    case Kind.ENUM:
      return node.value;
    case Kind.LIST:
      return node.values.map((item) => plain(item, variables));
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map((field) => [field.name.value, plain(field.value, variables)]));
  }
}

/** Whether a value holds a variable whose value is not known. */
export function hasUnknown(value: unknown): boolean {
  if (value === unknownValue) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasUnknown);
}

/**
 * What an input type's values must be besides well typed; its builder puts it among the type's extensions as `check`.
 */
export type InputCheck = (value: { [key: string]: unknown }, path: Path) => InputIssue[];

function checkOf(type: GraphQLInputObjectType): InputCheck | undefined {
  return type.extensions.check as InputCheck | undefined;
}

function isInputObject(type: GraphQLInputType | undefined): boolean {
  return isInputObjectType(isNonNullType(type) ? type.ofType : type);
}

/** What has been found so far. */
interface Findings {
  issues: InputIssue[];
  /** Whether what the schema has may be said: names of fields and of enum values, and which of them is likely meant. */
  hints: boolean;
}

/** What is likely to be meant, for the end of a message; nothing where that is none of the names. */
function nearest(given: unknown, names: readonly string[]): string {
  const near = typeof given === 'string' ? nearestChoices(given, names) : [];
  return near.length > 0 ? `; did you mean ${near.join(' or ')}?` : '';
}

function checkLeaf(type: GraphQLLeafType, value: unknown, path: Path, { issues, hints: told }: Findings): void {
  if (isEnumType(type)) {
    const names = type.getValues().map(({ name }) => name);
    if (typeof value === 'string' && names.includes(value)) return;
    if (!told) {
      issues.push({ path: [...path], message: 'expected a value of its enum', code: 'not_a_choice' });
      return;
    }
    const message = `expected one of ${names.join(', ')}${nearest(value, names)}`;
    const hints = choiceHints(typeof value === 'string' ? value : '', names);
    issues.push({ path: [...path], message, code: 'not_a_choice', ...hints });
    return;
  }
  try {
    type.parseValue(value);
  } catch (error) {
    const message = expectedScalars[type.name] ?? (error instanceof Error ? error.message : String(error));
    issues.push({ path: [...path], message, code: 'invalid_type' });
  }
}

function checkObject(type: GraphQLInputObjectType, value: unknown, path: Path, found: Findings): void {
  const { issues, hints } = found;
  if (!isObject(value)) {
    issues.push({ path: [...path], message: 'expected an object', code: 'invalid_type' });
    return;
  }
  const fields = type.getFields();
  const names = Object.keys(fields);
  const given = Object.keys(value).filter((key) => value[key] !== undefined);
  for (const key of given) {
    if (issues.length >= MAX_ISSUES) return;
    if (Object.hasOwn(fields, key)) continue;
    const message = hints ? `unknown field; expected ${names.join(', ')}${nearest(key, names)}` : 'unknown field';
    issues.push({ path: [...path, key], message, code: 'unknown_field', ...(hints && suggestionOf(key, names)) });
  }
  if (type.isOneOf && (given.length !== 1 || given.some((key) => value[key] === null))) {
    const message = `expected exactly one ${hints ? `of ${names.join(', ')}` : 'field'}`;
    issues.push({ path: [...path], message, code: 'one_of' });
  }
  for (const field of Object.values(fields)) {
    const item = own(value, field.name);
    if (item === undefined && !isRequiredInputField(field)) continue;
    checkValue(field.type, item, [...path, field.name], found);
  }
  const check = checkOf(type);
  if (!check || Object.entries(value).some(([key, item]) => !isInputObject(fields[key]?.type) && hasUnknown(item)))
    return;
  const known = new Set(issues.map((issue) => issue.path.join('.')));
  issues.push(...check(value, path).filter((issue) => !known.has(issue.path.join('.'))));
}

function checkValue(type: GraphQLInputType, value: unknown, path: Path, found: Findings): void {
  const { issues } = found;
  if (value === unknownValue || issues.length >= MAX_ISSUES) return;
  if (isNonNullType(type)) {
    if (value === null || value === undefined) {
      issues.push({ path: [...path], message: 'expected a value', code: 'required' });
    } else checkValue(type.ofType, value, path, found);
    return;
  }
  if (value === null || value === undefined) return;
  if (isListType(type)) {
    if (!Array.isArray(value)) checkValue(type.ofType, value, path, found);
    else for (const [i, item] of value.entries()) checkValue(type.ofType, item, [...path, i], found);
  } else if (isInputObjectType(type)) checkObject(type, value, path, found);
  else checkLeaf(type, value, path, found);
}

/** Fields that an input object may have beyond those of its type before it is looked at no further. */
const MAX_UNKNOWN_FIELDS = 50;

/**
 * Whether some input object has so many unknown fields that graphql-js must not see it: it writes the whole object into
 * the message of each of the first 50, which takes seconds where the object is a megabyte. Scalars such as JSON are
 * left alone.
 */
export function hasTooManyFields(type: GraphQLInputType, value: unknown): boolean {
  if (isNonNullType(type)) return hasTooManyFields(type.ofType, value);
  if (isListType(type)) {
    return Array.isArray(value)
      ? value.some((item) => hasTooManyFields(type.ofType, item))
      : hasTooManyFields(type.ofType, value);
  }
  if (!isInputObjectType(type) || !isObject(value)) return false;
  const fields = Object.values(type.getFields());
  if (Object.keys(value).length > fields.length + MAX_UNKNOWN_FIELDS) return true;
  return fields.some(({ name, type: inner }) => Object.hasOwn(value, name) && hasTooManyFields(inner, value[name]));
}

/** Where in an argument's value a node stands; null when elsewhere. */
function pathTo(node: unknown, within: ValueNode, path: Path): Path | null {
  if (node === within) return path;
  const inner =
    within.kind === Kind.LIST
      ? within.values.map((value, i) => [i, value] as const)
      : within.kind === Kind.OBJECT
        ? within.fields.map((field) => [field.name.value, field.value] as const)
        : [];
  for (const [key, value] of inner) {
    const found = pathTo(node, value, [...path, key]);
    if (found) return found;
  }
  return null;
}

function overlaps(a: Path, b: Path): boolean {
  return a.every((part, i) => i >= b.length || part === b[i]);
}

export interface FaultyInput {
  schema: GraphQLSchema;
  document: DocumentNode;
  /** Only this operation's arguments; all, when absent. */
  operation?: OperationDefinitionNode | undefined;
  /** As they were sent; null when they are not known, and are then taken to be right. */
  variables: { [name: string]: unknown } | null;
  /** What graphql-js found. */
  errors: readonly { message: string; nodes?: readonly unknown[] | undefined }[];
  /** Whether names of fields and enum values may be said. */
  hints: boolean;
}

/**
 * Every fault in the arguments of an operation that graphql-js has already refused, by path from the argument down. The
 * limits of a workflow's parameters are tried as well, so that one answer names all that has to be mended.
 */
export function inputIssues({ schema, document, operation, variables, errors, hints }: FaultyInput): InputIssue[] {
  const issues: InputIssue[] = [];
  const typeInfo = new TypeInfo(schema);
  const located: { path: Path; message: string }[] = [];
  visit(
    document,
    visitWithTypeInfo(typeInfo, {
      OperationDefinition: (node) => (operation && node !== operation ? false : undefined),
      Argument: (node) => {
        const argument = typeInfo.getArgument();
        if (!argument) return;
        const path = [node.name.value];
        checkValue(argument.type, plain(node.value, variables), path, { issues, hints });
        for (const error of errors) {
          const at = pathTo(error.nodes?.[0], node.value, path);
          if (at) located.push({ path: at, message: excerpt(error.message) });
        }
      },
    }),
  );
  // What only the form of a literal shows, such as 1.0 for an integer or a string for an enum value.
  for (const { path, message } of located) {
    if (issues.some((issue) => overlaps(issue.path, path))) continue;
    issues.push({ path: [...path], message, code: 'invalid_type' });
  }
  if (issues.length) return issues.slice(0, MAX_ISSUES);
  return errors.map(({ message }) => ({ path: [], message: excerpt(message), code: 'invalid_type' }));
}
