/**
 * What a Relay environment needs to know of the gateway: `new Environment({ network, store, missingFieldHandlers })`.
 *
 * Every `id` of the schema (of a Job, of an Artifact) is unique among all types, so Relay's own way of keeping records
 * by `id` fits. There is no interface `Node` and no `node(id:)`: `@refetchable` works on fragments on Query, and a job
 * is asked for again by `job(id:)`. `jobs` is a connection as Relay wants it: `@connection(key: "…", filters:
 * ["filter"])`.
 */
export const missingFieldHandlers = [
  {
    kind: 'linked' as const,
    /** A job that any other answer has brought is there at once for `job(id:)`. */
    handle(
      field: { name: string },
      record: { getType(): string } | null | undefined,
      args: { [name: string]: unknown },
    ): string | undefined {
      const isJob = record?.getType() === '__Root' && field.name === 'job';
      return isJob && typeof args.id === 'string' ? args.id : undefined;
    },
  },
];
