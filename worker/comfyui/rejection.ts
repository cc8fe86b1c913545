import * as z from 'zod';

const upTo = (most: number) => z.string().transform((text) => text.slice(0, most));
/** Longer than any line that is shown. */
const text = upTo(10_000);
const name = upTo(255);

const nodeErrorSchema = z.object({
  errors: z
    .array(z.object({ type: name.catch('unknown'), message: text.catch(''), details: text.catch('') }))
    .catch([]),
  class_type: name.nullish().catch(null),
});

export const nodeErrorsSchema = z.record(z.string(), nodeErrorSchema);

/** The body of a 400 of `POST /prompt`. */
const bodySchema = z.object({
  error: z.object({
    type: name,
    message: text.catch(''),
    details: text.catch(''),
    extra_info: z.object({ node_id: name.nullish().catch(null), class_type: name.nullish().catch(null) }).catch({}),
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

/** Why a graph was refused, by the body of a 400; it fails where that is not ComfyUI's. */
export const refusalSchema = bodySchema.transform(
  ({ error, node_errors }): Rejection =>
    firstNodeError(node_errors) ?? {
      type: error.type,
      nodeId: error.extra_info.node_id ?? null,
      classType: error.extra_info.class_type ?? null,
      text: joined(error.message, error.details),
    },
);

/** The first fault that names a node; undefined when there is none. */
export function firstNodeError(nodeErrors: z.infer<typeof nodeErrorsSchema>): Rejection | undefined {
  for (const [nodeId, { errors, class_type }] of Object.entries(nodeErrors)) {
    const [first] = errors;
    if (first)
      return {
        type: first.type,
        nodeId: nodeId.slice(0, 255),
        classType: class_type ?? null,
        text: nodeErrorText(first),
      };
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
