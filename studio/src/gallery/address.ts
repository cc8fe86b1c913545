import type { Tile } from './rows.ts';

/** The address of the full view of a tile. `search`: that of the filter, which stays. */
export function addressOf({ job, artifact }: Pick<Tile, 'job' | 'artifact'>, search = ''): string {
  const given = new URLSearchParams(search);
  if (artifact && artifact !== job.artifacts[0]) given.set('artifact', artifact.id);
  return `/gallery/${encodeURIComponent(job.id)}${given.size > 0 ? `?${given}` : ''}`;
}
