import type { WorkflowParameter } from '../../client/src/comfy.ts';

/** A parameter as the API tells it, with what matters to a test. */
export function workflowParameter(given: Partial<WorkflowParameter>): WorkflowParameter {
  return {
    name: 'width',
    title: 'Width',
    description: null,
    type: 'INT',
    required: false,
    advanced: false,
    list: false,
    multiline: false,
    default: null,
    minimum: null,
    maximum: null,
    multipleOf: null,
    maxLength: null,
    fileKind: null,
    choices: null,
    ...given,
  };
}
