import * as z from 'zod';

const nodeErrorSchema = z.object({
  errors: z
    .array(
      z.object({
        type: z.string().catch('unknown'),
        message: z.string().catch(''),
        details: z.string().catch(''),
      }),
    )
    .catch([]),
  class_type: z.string().nullish().catch(null),
});

export const nodeErrorsSchema = z.record(z.string(), nodeErrorSchema);

const refusalSchema = z.object({
  error: z.object({
    type: z.string(),
    message: z.string().catch(''),
    details: z.string().catch(''),
    extra_info: z
      .object({ node_id: z.string().nullish().catch(null), class_type: z.string().nullish().catch(null) })
      .catch({}),
  }),
  node_errors: nodeErrorsSchema.catch({}),
});

/** Why ComfyUI did not take a graph as it is, in its own words: to be scrubbed before anybody sees them. */
export interface Rejection {
  type: string;
  nodeId: string | null;
  classType: string | null;
  text: string;
}

/** The body of a 400; undefined when it is not ComfyUI's. */
export function parseRefusal(json: unknown): Rejection | undefined {
  const parsed = refusalSchema.safeParse(json);
  if (!parsed.success) return undefined;
  const { error, node_errors } = parsed.data;
  return (
    firstNodeError(node_errors) ?? {
      type: error.type,
      nodeId: error.extra_info.node_id ?? null,
      classType: error.extra_info.class_type ?? null,
      text: joined(error.message, error.details),
    }
  );
}

/** The first fault that names a node; undefined when there is none. */
export function firstNodeError(nodeErrors: z.infer<typeof nodeErrorsSchema>): Rejection | undefined {
  for (const [nodeId, { errors, class_type }] of Object.entries(nodeErrors)) {
    const [first] = errors;
    if (first) return { type: first.type, nodeId, classType: class_type ?? null, text: nodeErrorText(first) };
  }
  return undefined;
}

/** Details such as `sampler_name: 'x' not in [...]` stand for themselves. Others need the message before them. */
function nodeErrorText({ type, message, details }: { type: string; message: string; details: string }): string {
  return type === 'value_not_in_list' && details !== '' ? details : joined(message, details);
}

function joined(message: string, details: string): string {
  return details === '' ? message : `${message.replace(/\.$/, '')}: ${details}`;
}
