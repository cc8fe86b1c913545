import type { Job, JobFilter } from '@comfygate/client';

/** Pages of jobs as `useInfiniteQuery` keeps them, newest first. */
export interface Pages {
  pages: JobPage[];
  pageParams: unknown[];
}

export interface JobPage {
  nodes: Job[];
  pageInfo: { endCursor: string | null; hasNextPage: boolean };
}

function fits(job: Job, { status, tag, workflow, createdAfter, createdBefore }: JobFilter): boolean {
  const created = Date.parse(job.createdAt);
  return (
    (!status || status.includes(job.status)) &&
    (!tag || job.tags.includes(tag)) &&
    (!workflow || job.workflow === workflow) &&
    (!createdAfter || created > Date.parse(createdAfter)) &&
    (!createdBefore || created < Date.parse(createdBefore))
  );
}

/**
 * The pages after a job was heard of: it takes its place, is replaced by what is newer, or goes where it fits no more.
 * One that is older than all that was read stays out while older ones are still to be read: it comes with them.
 */
export function withJob(known: Pages, filter: JobFilter, job: Job): Pages {
  const before = known.pages.flatMap(({ nodes }) => nodes).find(({ id }) => id === job.id);
  if (before && before.seq > job.seq) return known;
  if (fits(job, filter)) return before ? replaced(known, job) : inserted(known, job);
  return before ? withoutJob(known, job.id) : known;
}

export function withoutJob(known: Pages, id: string): Pages {
  return changed(known, (nodes) => (nodes.some((job) => job.id === id) ? nodes.filter((job) => job.id !== id) : nodes));
}

function replaced(known: Pages, job: Job): Pages {
  return changed(known, (nodes) =>
    nodes.some(({ id }) => id === job.id) ? nodes.map((each) => (each.id === job.id ? job : each)) : nodes,
  );
}

function inserted(known: Pages, job: Job): Pages {
  const isNewer = (than: Job) =>
    job.createdAt === than.createdAt ? job.id > than.id : Date.parse(job.createdAt) > Date.parse(than.createdAt);
  const last = known.pages.length - 1;
  // Where the list has no older jobs than those, it belongs at the end of the last page.
  const at = known.pages.findIndex(
    ({ nodes, pageInfo }, i) => nodes.some(isNewer) || (i === last && !pageInfo.hasNextPage),
  );
  if (at < 0) return known;
  return changed(known, (nodes, i) => {
    if (i !== at) return nodes;
    const place = nodes.findIndex(isNewer);
    return place < 0 ? [...nodes, job] : nodes.toSpliced(place, 0, job);
  });
}

/** Pages that stay the same stay the same object, so that React draws nothing anew for them. */
function changed(known: Pages, change: (nodes: Job[], index: number) => Job[]): Pages {
  const pages = known.pages.map((page, index) => {
    const nodes = change(page.nodes, index);
    return nodes === page.nodes ? page : { ...page, nodes };
  });
  return { ...known, pages };
}
