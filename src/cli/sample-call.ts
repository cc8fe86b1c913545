import { astFromValue, type GraphQLInputObjectType, print } from 'graphql';
import type { FileKind, FileSource } from '../core/file-source.ts';
import { own } from '../core/objects.ts';
import { valueAt } from '../core/target.ts';
import { parseTemplate, type Template } from '../core/template.ts';
import type { Workflow, WorkflowParameter } from '../workflows/catalogue.ts';

const TEXT = 'a lighthouse at dusk, in oil';
/** Of a text that stands in the graph: longer ones hide the call. */
const MAX_CHARACTERS = 200;

export type SampleFiles = { [kind in FileKind]: FileSource };

/** As the API takes them, by the names of parameters. */
export interface SampleValues {
  [parameter: string]: unknown;
}

/** Of what the workflow requires the values of its graph, or some that it takes. */
export function sampleValues(workflow: Workflow, files: SampleFiles): SampleValues {
  const template = parseTemplate(workflow.template.text);
  const required = workflow.parameters.filter((parameter) => parameter.required);
  return Object.fromEntries(required.map((each) => [each.name, sampleOf(workflow, each, template, files)]));
}

/**
 * A mutation that runs a workflow and gives the addresses of its results, for GraphiQL. `input` is the workflow's input
 * type.
 */
export function sampleCall(
  { name, parameters }: Workflow,
  input: GraphQLInputObjectType,
  idempotencyKey: string,
  values: SampleValues,
): string {
  const fields = input.getFields();
  const given = parameters.flatMap((parameter) => {
    const value = own(values, parameter.name);
    const type = fields[parameter.name]?.type;
    const ast = type && value !== undefined ? astFromValue(value, type) : null;
    return ast ? [`          ${parameter.name}: ${print(ast)}`] : [];
  });
  return `mutation {
  generate(
    input: {
      idempotencyKey: ${JSON.stringify(idempotencyKey)}
      waitSeconds: 60
      workflow: {
        ${name}: ${given.length > 0 ? `{\n${given.join('\n')}\n        }` : '{}'}
      }
    }
  ) {
    job {
      id
      status
      artifacts {
        url
      }
      error {
        message
      }
    }
  }
}`;
}

/** The first value that the workflow takes. */
function sampleOf(workflow: Workflow, parameter: WorkflowParameter, template: Template, files: SampleFiles): unknown {
  const { name, list } = parameter;
  const values = [inGraph(parameter, template), ofType(parameter, files)]
    .filter((value) => value !== undefined)
    .map((value) => (list && !Array.isArray(value) ? [value] : value));
  const isTaken = (value: unknown) => {
    const parsed = workflow.parse({ [name]: value }, []);
    return parsed.ok || parsed.issues.every(({ path }) => path[0] !== name);
  };
  return values.find(isTaken) ?? values.at(-1);
}

/** As the API calls it. Undefined for a file, which is on one server only, and where there is none of use. */
function inGraph({ name, type, choices }: WorkflowParameter, { graph, parameters }: Template): unknown {
  const [target] = own(parameters, name)?.targets ?? [];
  const value = target && valueAt(own(own(graph, target.node)?.inputs ?? {}, target.input), target.path ?? []);
  if (type === 'FILE' || value === '') return undefined;
  if (type === 'ENUM') return choices?.find(({ label }) => label === value)?.value;
  return typeof value === 'string' && type === 'STRING' ? value.slice(0, MAX_CHARACTERS).toWellFormed() : value;
}

function ofType(parameter: WorkflowParameter, files: SampleFiles): unknown {
  const { type, minimum, multipleOf, minLength, maxLength, choices, file } = parameter;
  switch (type) {
    case 'STRING':
      return TEXT.slice(0, maxLength ?? TEXT.length).padEnd(minLength ?? 0, ' .');
    case 'MODEL':
      return 'model.safetensors';
    case 'INT':
    case 'FLOAT':
    case 'SEED': {
      const least = minimum ?? 1;
      return multipleOf === null ? least : Math.ceil(least / multipleOf) * multipleOf;
    }
    case 'BOOLEAN':
      return true;
    case 'ENUM':
      return choices?.[0]?.value;
    case 'FILE':
      return files[file ?? 'image'];
  }
}
