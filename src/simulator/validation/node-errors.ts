import type { RawNumber } from '../protocol/json.ts';
import { type PythonError, repr, text } from '../protocol/python.ts';
import type { DeclaredInput } from './declared-inputs.ts';

/** An error of a node as it stands in `node_errors`. The texts are ComfyUI's own. */
export interface NodeError {
  type: string;
  message: string;
  details: string;
  extra_info: Record<string, unknown>;
}

const traceback = ['<traceback>\n'];

function aboutInput(input: DeclaredInput, extra: Record<string, unknown>): Record<string, unknown> {
  return { input_name: input.name, input_config: [input.type, input.options], ...extra };
}

export function missingInput(input: DeclaredInput): NodeError {
  return {
    type: 'required_input_missing',
    message: 'Required input is missing',
    details: input.name.split('.').at(-1) ?? input.name,
    extra_info: { input_name: input.name },
  };
}

export function badLink(input: DeclaredInput, received: unknown): NodeError {
  return {
    type: 'bad_linked_input',
    message: 'Bad linked input, must be a length-2 list of [node_id, slot_index]',
    details: input.name,
    extra_info: aboutInput(input, { received_value: received }),
  };
}

export function typeMismatch(input: DeclaredInput, receivedType: string, link: unknown): NodeError {
  return {
    type: 'return_type_mismatch',
    message: 'Return type mismatch between linked nodes',
    details: `${input.name}, received_type(${receivedType}) mismatch input_type(${text(input.type)})`,
    extra_info: aboutInput(input, { received_type: receivedType, linked_node: link }),
  };
}

export function notConvertible(input: DeclaredInput, received: unknown, error: PythonError): NodeError {
  return {
    type: 'invalid_input_type',
    message: `Failed to convert an input value to a ${text(input.type)} value`,
    details: `${input.name}, ${text(received)}, ${error.message}`,
    extra_info: aboutInput(input, { received_value: received, exception_message: error.message }),
  };
}

export function outOfRange(
  input: DeclaredInput,
  side: 'min' | 'max',
  value: number | RawNumber,
  shown: { value: string; limit: string },
): NodeError {
  const [type, word] = side === 'min' ? ['value_smaller_than_min', 'smaller'] : ['value_bigger_than_max', 'bigger'];
  return {
    type,
    message: `Value ${shown.value} ${word} than ${side} of ${shown.limit}`,
    details: input.name,
    extra_info: aboutInput(input, { received_value: value }),
  };
}

/** Lists of more than 20 choices are not sent back. */
export function notInList(input: DeclaredInput, value: unknown, choices: readonly unknown[]): NodeError {
  const long = choices.length > 20;
  const list = long ? `(list of length ${choices.length})` : repr([...choices]);
  return {
    type: 'value_not_in_list',
    message: 'Value not in list',
    details: `${input.name}: ${repr(value)} not in ${list}`,
    extra_info: {
      input_name: input.name,
      input_config: long ? null : [input.type, input.options],
      received_value: value,
    },
  };
}

export function refusedByNode(inputName: string, reason: string): NodeError {
  return {
    type: 'custom_validation_failed',
    message: 'Custom validation failed for node',
    details: `${inputName} - ${reason}`,
    extra_info: { input_name: inputName },
  };
}

/** One per node of the cycle; `path` names the first node again at its end. */
export function dependencyCycle(nodeId: string, path: string, cycleNodes: string[]): NodeError {
  return {
    type: 'dependency_cycle',
    message: 'Dependency cycle detected',
    details: path,
    extra_info: { node_id: nodeId, cycle_nodes: cycleNodes },
  };
}

export function raisedInside(error: PythonError): NodeError {
  return {
    type: 'exception_during_validation',
    message: 'Exception when validating node',
    details: error.message,
    extra_info: { exception_type: error.type, traceback },
  };
}

export function raisedUpstream(input: DeclaredInput, error: PythonError, link: unknown): NodeError {
  return {
    type: 'exception_during_inner_validation',
    message: 'Exception when validating inner node',
    details: error.message,
    extra_info: aboutInput(input, {
      exception_message: error.message,
      exception_type: error.type,
      traceback,
      linked_node: link,
    }),
  };
}
