/** What an identity may do: `workflow:<name>` is one workflow of the catalogue, `workflow:*` any of it. */
export type Scope = 'job:read' | 'job:write' | 'admin' | `workflow:${string}`;

/** Who calls, as an authenticator found out by a key, a token or the lack of one. */
export interface Identity {
  /** Whose jobs, uploads and keys these are: 1 to 64 of `A-Za-z0-9_.@-`. */
  caller: string;
  /** For a person. */
  name: string;
  /** Of plans.json; null where nobody is told apart, and so nothing is limited by plan. */
  plan: string | null;
  scopes: ReadonlySet<Scope>;
  /** Of the API key that it was proved by, or that made the watch token; null by any other. */
  keyId: string | null;
  /** When what proved it ends, in milliseconds since 1970; null: by itself never. */
  expiresAt: number | null;
  /** All that it may see, where it is a watch token's; null: everything of its caller. */
  watch: Watched | null;
}

/** Jobs that a watch token is for: these, or those with this tag. */
export type Watched = { jobs: ReadonlySet<string>; tag?: undefined } | { jobs?: undefined; tag: string };

/** Everybody's, where AUTH=none: it may do all, as one caller. */
export const anonymous: Identity = {
  caller: 'anonymous',
  name: 'anonymous',
  plan: null,
  scopes: new Set<Scope>(['job:read', 'job:write', 'workflow:*', 'workflow:custom', 'admin']),
  keyId: null,
  expiresAt: null,
  watch: null,
};

/** Whether the identity may run a workflow of the catalogue, or `custom`. */
export function mayRun({ scopes }: Identity, workflow: string): boolean {
  return scopes.has(`workflow:${workflow}`) || (workflow !== 'custom' && scopes.has('workflow:*'));
}

/** Whether the identity may see a job: one of its caller's, and of those that its watch token is for. */
export function maySee({ caller, watch }: Identity, job: { id: string; caller: string; tags: readonly string[] }) {
  if (job.caller !== caller) return false;
  if (!watch) return true;
  return watch.jobs ? watch.jobs.has(job.id) : job.tags.includes(watch.tag);
}
