import { isDeepStrictEqual } from 'node:util';
import type { NodeInfo, ObjectInfo } from '../object-info.ts';
import type { Graph } from '../protocol/graph.ts';
import { isRecord } from '../protocol/json.ts';
import {
  compareNumbers,
  floatText,
  isNumeric,
  PythonError,
  repr,
  text,
  toBool,
  toFloat,
  toInt,
  typeName,
} from '../protocol/python.ts';
import { type DeclaredInput, declaredInputs, typesFit } from './declared-inputs.ts';
import * as errors from './node-errors.ts';

/** Whether an annotated input file name (`a.png`, `sub/a.png [input]`) names a file that is there. */
export type FileCheck = (name: string) => boolean;

export interface NodeVerdict {
  valid: boolean;
  errors: errors.NodeError[];
}

/** Inputs that a class checks itself: the usual range and list checks are left out for them. */
const fileValidators: Record<string, { input: string; noun: string }> = {
  LoadImage: { input: 'image', noun: 'image' },
  LoadImageMask: { input: 'image', noun: 'image' },
  LoadAudio: { input: 'audio', noun: 'audio' },
  LoadVideo: { input: 'file', noun: 'video' },
};

export interface NodeValidator {
  /** The results so far, by node id, in the order they were found. */
  results: Map<string, NodeVerdict>;
  /** Validates a node and all it needs. @throws PythonError where Python would have raised. */
  validate(id: string): NodeVerdict;
}

/** Validates the nodes of one prompt, depth first and each once. */
export function createNodeValidator(graph: Graph, objectInfo: ObjectInfo, fileExists: FileCheck): NodeValidator {
  const results = new Map<string, NodeVerdict>();
  const visiting: string[] = [];

  function validate(id: string): NodeVerdict {
    const known = results.get(id);
    if (known) return known;
    const start = visiting.indexOf(id);
    if (start >= 0) return reportCycle(visiting.slice(start));

    const node = graph[id];
    if (!node) throw new PythonError('KeyError', repr(id));
    if (!('inputs' in node)) throw new PythonError('KeyError', "'inputs'");
    if (!isRecord(node.inputs)) throw new PythonError('TypeError', `'${typeName(node.inputs)}' object is not iterable`);
    const info = objectInfo.get(node.class_type);
    if (!info) throw new PythonError('KeyError', repr(node.class_type));

    const found: errors.NodeError[] = [];
    let upstreamValid = true;
    for (const input of declaredInputs(objectInfo.describe(node.class_type) ?? info, node.inputs)) {
      const outcome = validateInput(id, input, node.inputs);
      if (outcome === false) upstreamValid = false;
      else if (outcome !== true) found.push(outcome);
    }
    const refused = checkFile(node.class_type, node.inputs);
    if (refused) found.push(refused);

    // A cycle through this node may have been found meanwhile, whose error is kept.
    const before = results.get(id)?.errors ?? [];
    const fresh = found.filter((error) => !before.some((other) => isDeepStrictEqual(other, error)));
    const verdict = {
      valid: (results.get(id)?.valid ?? true) && upstreamValid && found.length === 0,
      errors: [...before, ...fresh],
    };
    results.set(id, verdict);
    return verdict;
  }

  /** True: fine. False: invalid because of a node upstream, which has its own errors. */
  function validateInput(
    id: string,
    input: DeclaredInput,
    values: Record<string, unknown>,
  ): boolean | errors.NodeError {
    if (!(input.name in values)) return input.required ? errors.missingInput(input) : true;
    const value = values[input.name];
    return Array.isArray(value) ? validateLink(id, input, value) : validateLiteral(id, input, values);
  }

  function validateLink(id: string, input: DeclaredInput, link: unknown[]): boolean | errors.NodeError {
    if (link.length !== 2) return errors.badLink(input, link);
    const [from, slot] = link;
    if (typeof from !== 'string' || !graph[from]) throw new PythonError('KeyError', repr(from));
    const received = outputType(objectInfo.get(graph[from].class_type), slot);
    if (!typesFit(received, input.type)) return errors.typeMismatch(input, received, link);
    visiting.push(id);
    try {
      return validate(from).valid;
    } catch (error) {
      if (!(error instanceof PythonError)) throw error;
      results.set(from, { valid: false, errors: [errors.raisedUpstream(input, error, link)] });
      return false;
    } finally {
      visiting.pop();
    }
  }

  function validateLiteral(id: string, input: DeclaredInput, values: Record<string, unknown>): true | errors.NodeError {
    const literal = values[input.name];
    const raw = isRecord(literal) && '__value__' in literal ? literal.__value__ : literal;
    let value = raw;
    try {
      value = convert(input.type, raw);
      values[input.name] = value;
    } catch (error) {
      if (!(error instanceof PythonError)) throw error;
      return errors.notConvertible(input, raw, error);
    }
    if (fileValidators[graph[id]?.class_type ?? '']?.input === input.name) return true;
    return checkRange(input, value) ?? checkChoice(input, value) ?? true;
  }

  function checkRange(input: DeclaredInput, value: unknown): errors.NodeError | undefined {
    for (const side of ['min', 'max'] as const) {
      const limit = input.options[side];
      if (!isNumeric(limit) || !isNumeric(value)) continue;
      const beyond = compareNumbers(value, limit);
      if (side === 'min' ? beyond >= 0 : beyond <= 0) continue;
      const shown = input.type === 'FLOAT' && typeof value === 'number' ? floatText(value) : text(value);
      return errors.outOfRange(input, side, value, { value: shown, limit: objectInfo.limitText(input.options, side) });
    }
    return undefined;
  }

  function checkFile(classType: string, values: Record<string, unknown>): errors.NodeError | undefined {
    const validator = fileValidators[classType];
    const name = validator && values[validator.input];
    if (!validator || name === undefined || Array.isArray(name)) return undefined;
    if (typeof name === 'string' && fileExists(name)) return undefined;
    return errors.refusedByNode(validator.input, `Invalid ${validator.noun} file: ${text(name)}`);
  }

  function reportCycle(cycle: string[]): NodeVerdict {
    const first = cycle[0] ?? '';
    const path = [...cycle, first].map((id) => `${id} (${graph[id]?.class_type})`).join(' -> ');
    for (const id of cycle) results.set(id, { valid: false, errors: [errors.dependencyCycle(id, path, cycle)] });
    return results.get(first) ?? { valid: false, errors: [] };
  }

  return { results, validate };
}

function outputType(info: NodeInfo | undefined, slot: unknown): string {
  const outputs = info?.output ?? [];
  if (typeof slot !== 'number' || !Number.isInteger(slot)) {
    throw new PythonError('TypeError', `tuple indices must be integers or slices, not ${typeName(slot)}`);
  }
  const type = outputs[slot < 0 ? outputs.length + slot : slot];
  if (type === undefined) throw new PythonError('IndexError', 'tuple index out of range');
  return type;
}

function convert(type: string | string[], value: unknown): unknown {
  if (type === 'INT') return toInt(value);
  if (type === 'FLOAT') return toFloat(value);
  if (type === 'STRING') return text(value);
  if (type === 'BOOLEAN') return toBool(value);
  return value;
}

function checkChoice(input: DeclaredInput, value: unknown): errors.NodeError | undefined {
  let choices: readonly unknown[];
  if (Array.isArray(input.type)) choices = input.type;
  else if (input.type === 'COMBO') choices = Array.isArray(input.options.options) ? input.options.options : [];
  else return undefined;
  return choices.includes(value) ? undefined : errors.notInList(input, value, choices);
}
