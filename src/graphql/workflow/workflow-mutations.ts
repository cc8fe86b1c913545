import type { Builder } from '../builder.ts';
import { needs } from '../scopes.ts';

export function addWorkflowMutations(builder: Builder): void {
  const source = builder.inputRef<{ graph?: unknown; upload?: string }>('WorkflowSource');
  builder.inputType(source, {
    isOneOf: true,
    description: 'What a workflow is made of.',
    fields: (t) => ({
      graph: t.field({
        type: 'JSON',
        description:
          "ComfyUI API format, or what ComfyUI's editor saves, which is converted by the classes of your servers; " +
          'also where it is within something else, such as an entry of the history.',
      }),
      upload: t.id({
        description:
          'Id of an upload of yours whose file has been put to its address: a picture, film or sound that ComfyUI ' +
          'has made and that carries its workflow, of at most 64 MiB.',
      }),
    }),
  });

  const input = builder.inputType('AddWorkflowInput', {
    description: 'A workflow that is to be added to the catalogue.',
    fields: (t) => ({
      source: t.field({ type: source, required: true, description: 'What it is made of.' }),
      name: t.string({
        description:
          'Its field in `WorkflowInput`: at most 64 letters, digits and _. Absent: made of the file name of the ' +
          'upload; required with `graph`.',
      }),
      replace: t.boolean({
        defaultValue: false,
        description: 'Whether a workflow of that name is overwritten; otherwise it is a CONFLICT.',
      }),
    }),
  });

  builder.objectType('AddWorkflowPayload', {
    description: 'What `addWorkflow` gives back.',
    fields: (t) => ({
      workflow: t.expose('workflow', {
        type: 'Workflow',
        nullable: false,
        description: 'The workflow, which this gateway offers by now.',
      }),
      notes: t.exposeStringList('notes', {
        nullable: false,
        description: 'For a person: what was guessed or left out.',
      }),
    }),
  });

  builder.mutationField('addWorkflow', (t) =>
    t.field({
      type: 'AddWorkflowPayload',
      nullable: true,
      authScopes: needs('admin'),
      description:
        'Make a workflow of a file, with parameters that are found in it, and write it into the workflows folder of ' +
        'this gateway, as `comfygate workflow add` does. What the file lacks are issues.',
      args: { input: t.arg({ type: input, required: true, description: 'What is to be added.' }) },
      resolve: (_root, { input: { source, name, replace } }, { services, identity, requestId, address, signal }) => {
        const call = { identity, requestId, address, name: name ?? null, replace: replace ?? false, signal };
        const { graph, upload } = source;
        // @oneOf: there is exactly one, and it is not null.
        if (typeof upload === 'string') return services.workflowAdder.add({ ...call, source: { upload } });
        return services.workflowAdder.add({ ...call, source: { graph } });
      },
    }),
  );
}
