/**
 * Names of everything in Redis. All carry one hash tag, so that scripts may derive one key from another and run on
 * Redis Cluster too; transition.lua and accept.lua build the same names.
 */
export function createKeys(prefix: string) {
  const tag = `{${prefix}}:`;
  return {
    /** What scripts are given to build names from. */
    tag,
    job: (id: string) => `${tag}job:${id}`,
    events: (id: string) => `${tag}events:${id}`,
    /** The pub/sub channel of a job's events. */
    channel: (id: string) => `${tag}job:${id}`,
    idempotency: (caller: string, keyHash: string) => `${tag}idem:${caller}:${keyHash}`,
    /** A caller's jobs by creation: all, or those of one status. */
    jobs: (caller: string, status?: string) => `${tag}jobs:${caller}${status ? `:${status}` : ''}`,
    /** Jobs that have not ended, by deadline. */
    open: `${tag}open`,
    /** Jobs that have, by the time they expire. */
    ended: `${tag}ended`,
    /** Of those, the ones whose parameters are still to be packed, by the time of their end. */
    unpacked: `${tag}unpacked`,
    /** Bytes of the jobs of each client that made some: of those that have not ended, and of all that are kept. */
    bytesOf: (jobs: 'open' | 'kept') => `${tag}bytes:${jobs}`,
    /** What a caller has used of its plan, and that plan's weight and most running at once. */
    plan: (caller: string) => `${tag}plan:${caller}`,
    /** GPU milliseconds that the open jobs of each caller are likely to take. */
    reserved: `${tag}reserved`,
    /**
     * FAILED jobs of all callers by the time of their end, one index for each error code; without those that were run
     * again.
     */
    failed: (code: string) => `${tag}failed:${code}`,
    /** QUEUED and RUNNING jobs by creation, for counting. */
    status: (status: 'QUEUED' | 'RUNNING') => `${tag}status:${status}`,
    template: (hash: string) => `${tag}workflow:${hash}`,
    /** There while somebody watches the job's previews. */
    previewed: (id: string) => `${tag}previewed:${id}`,
    /** The pub/sub channel of a job's previews. */
    previews: (id: string) => `${tag}previews:${id}`,
    /** A caller's lifecycle events: the stream, and the pub/sub channel that says it has grown. */
    changes: (caller: string) => `${tag}changes:${caller}`,
    /** An upload's record; `uploads`: those that there are, by the time they expire. */
    upload: (id: string) => `${tag}upload:${id}`,
    uploads: `${tag}uploads`,
    /** Of those, what no job names yet, by the same time: a client's, and everybody's. */
    openUploads: (client: string) => `${tag}open-uploads:${client}`,
    allOpenUploads: `${tag}open-uploads`,
    /** The pictures that were made of an artifact, by its key in the artifact store. */
    pictures: (originalKey: string) => `${tag}pictures:${originalKey}`,
    /** An API key's record; `apiKeys`: all of them, by the time at which they are forgotten. */
    apiKey: (id: string) => `${tag}api-key:${id}`,
    apiKeys: `${tag}api-keys`,
    /** A caller's, by the time at which they end. */
    apiKeysOf: (caller: string) => `${tag}api-keys:${caller}`,
    /** The stream of the ids of those that have changed. */
    apiKeyChanges: `${tag}api-key-changes`,
    /** The nonces of requests that were signed with a key, by the time at which they are forgotten. */
    apiKeyNonces: (id: string) => `${tag}api-key-nonces:${id}`,
    /** When a worker last reached a ComfyUI. */
    seen: `${tag}comfyui-seen`,
    workers: `${tag}workers`,
    /** Since when there have been workers without a gap, and when one was last there. */
    workersSince: `${tag}workers-since`,
    workersSeen: `${tag}workers-seen`,
    backends: `${tag}backends`,
    backend: (name: string) => `${tag}backend:${name}`,
    backendWorkers: (name: string) => `${tag}backend:${name}:workers`,
    /** Names of the servers that get no new work. */
    draining: `${tag}draining`,
    /** A node catalogue as a ComfyUI gave it, by the hash of its text. */
    nodeDefinitions: (hash: string) => `${tag}catalogue:${hash}`,
    /** The pub/sub channel on which gateways ask workers to read classes anew. */
    lookRequests: `${tag}look-requests`,
    /** Milliseconds that nodes usually take, by backend and class. */
    nodeTimes: `${tag}node-times`,
    /** The id of the folder that results are in, where they are not in S3. */
    artifactFolder: `${tag}artifact-folder`,
    /** Written by health checks, to see whether anything can be. */
    written: `${tag}written`,
    sweeperLock: `${tag}sweeper`,
    /** BullMQ's own prefix; it puts `:<queue>:` behind. */
    queue: `${tag}bull`,
    /** Which job is started next, see fair.lua. */
    fair: (part: 'ready' | 'spare') => `${tag}fair:${part}`,
  };
}

/**
 * How long a caller's changes are kept behind the last one. Whoever follows them keeps them longer, so this is only how
 * long Redis may be out of its reach without a hole.
 */
export const CHANGES_LIFE_MS = 600_000;

export type Keys = ReturnType<typeof createKeys>;
