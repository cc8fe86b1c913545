import type { Comfy } from '../comfy.ts';
import { JOBS } from '../documents.ts';
import { errorOf, errorOfSocket } from '../errors.ts';
import type { Job, JobFilter, JobPage } from '../job.ts';
import { asError, createLoading, createStore, shared } from './store.ts';

export interface LiveJobs {
  /** Newest first; undefined until they are known. */
  jobs: Job[] | undefined;
  /** Whether there are older ones: see `loadMore`. */
  hasMore: boolean;
  isLoading: boolean;
  /** Why they cannot be shown, or are followed no longer. That the gateway cannot be reached is no error. */
  error: Error | undefined;
}

const NOTHING: LiveJobs = { jobs: undefined, hasMore: false, isLoading: true, error: undefined };

/** Where the last page that was read ends. */
interface End {
  cursor: string | null;
  hasMore: boolean;
  last: Job | undefined;
}
const START: End = { cursor: null, hasMore: true, last: undefined };

/**
 * A list of jobs that is kept current for as long as somebody listens, by one subscription for all who do. `first`: how
 * many a page has.
 */
export function liveJobs(comfy: Comfy, filter: JobFilter, first: number) {
  return shared(comfy, `jobs ${JSON.stringify([filter, first])}`, () => createLiveJobs(comfy, filter, first));
}

function createLiveJobs(comfy: Comfy, { status, ...lasting }: JobFilter, first: number) {
  const filter = status ? { ...lasting, status } : lasting;
  let known = new Map<string, Job>();
  /** What events have told while pages are read, which may know less by the time that they come. */
  const told = new Map<string, Job>();
  let end = START;
  let pages = 0;
  let wantedPages = 1;
  let isStale = true;
  let isReading = false;
  let following: AbortSignal | undefined;

  const store = createStore(NOTHING, () => {
    const leaving = new AbortController();
    following = leaving.signal;
    void follow(leaving.signal);
    // There is no replay: what happened without a subscription is in the list, read over the same socket behind it.
    const forget = comfy.connection.onResume(reload);
    reload();
    return () => {
      forget();
      following = undefined;
      leaving.abort();
    };
  });

  async function follow(signal: AbortSignal) {
    try {
      // Of every status, since a job that gets another may leave the list.
      for await (const { job } of comfy.watchAll({ filter: lasting, signal })) {
        if (isReading) told.set(job.id, job);
        place(job);
        show();
        // New ones push out old ones, which are behind the end of the pages again.
        if (known.size > (pages + 1) * first) reload();
      }
    } catch (error) {
      if (!signal.aborted) store.set({ error: asError(error) });
    }
  }

  function place(job: Job) {
    const before = known.get(job.id);
    const isBehind = end.hasMore && end.last !== undefined && byAge(job, end.last) > 0;
    if (before ? before.seq > job.seq : isBehind) return;
    if (status?.includes(job.status) ?? true) known.set(job.id, job);
    else known.delete(job.id);
  }

  function show() {
    store.set({ jobs: [...known.values()].sort(byAge), hasMore: end.hasMore });
  }

  function take({ nodes, pageInfo }: JobPage, into: Map<string, Job>, before: End): End {
    for (const job of nodes) into.set(job.id, job);
    return { cursor: pageInfo.endCursor, hasMore: pageInfo.hasNextPage, last: nodes.at(-1) ?? before.last };
  }

  async function read() {
    if (isReading || !following) return;
    const signal = following;
    isReading = true;
    store.set({ isLoading: true });
    try {
      // All anew in one go, so that what is shown does not become shorter meanwhile.
      let fresh = known;
      let reached = end;
      let count = pages;
      while (isStale || (count < wantedPages && reached.hasMore)) {
        if (isStale) {
          [fresh, reached, count] = [new Map(), START, 0];
          told.clear();
          isStale = false;
        }
        const page = await overSocket(comfy, { first, after: reached.cursor, filter }, signal);
        reached = take(page, fresh, reached);
        count += 1;
      }
      [known, end, pages] = [fresh, reached, count];
      for (const job of told.values()) place(job);
      store.set({ error: undefined });
      show();
    } catch (error) {
      if (!signal.aborted) store.set({ error: asError(error) });
    } finally {
      told.clear();
      isReading = false;
      store.set({ isLoading: false });
    }
    // Whoever came back while the read of the listener before was ending.
    if (signal !== following) void read();
  }

  function reload() {
    isStale = true;
    void read();
  }

  function loadMore() {
    if (!end.hasMore) return;
    wantedPages = pages + 1;
    void read();
  }

  const load = createLoading(
    async () => {
      const page = await comfy.jobs({ first, filter });
      if (store.get().jobs) return;
      end = take(page, known, START);
      show();
    },
    (error) => store.set({ error }),
  );
  return { ...store, load, loadMore, reload };
}

/** Newest first, as the gateway lists them. */
function byAge(a: Job, b: Job): number {
  return a.createdAt === b.createdAt ? compare(b.id, a.id) : compare(b.createdAt, a.createdAt);
}
const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

/** A page, read behind whatever was subscribed to before. */
function overSocket({ connection }: Comfy, variables: Record<string, unknown>, signal: AbortSignal): Promise<JobPage> {
  return new Promise((resolve, reject) => {
    const leave = connection.socket.subscribe<{ jobs: JobPage | null }>(
      { query: JOBS, variables },
      {
        next({ data, errors: [error] = [] }) {
          if (data?.jobs) resolve(data.jobs);
          else reject(errorOf(error));
        },
        error: (error) => reject(Array.isArray(error) ? errorOf(error[0]) : errorOfSocket(error)),
        complete: () => signal.removeEventListener('abort', abort),
      },
    );
    function abort() {
      leave();
      reject(signal.reason);
    }
    signal.addEventListener('abort', abort);
  });
}
