import type { Artifact, Job } from '@comfygate/client';
import { dayOf } from './filter.ts';

/** What has a place of its own in the grid: a result, or a job that has none. */
export interface Tile {
  key: string;
  job: Job;
  artifact: Artifact | null;
}

/** A line of the grid: the name of a day, or as many tiles as fit beside each other. */
export type Row =
  | { kind: 'day'; key: string; day: string; tiles: Tile[] }
  | { kind: 'tiles'; key: string; tiles: Tile[] };

export function toTiles(jobs: readonly Job[]): Tile[] {
  return jobs.flatMap((job): Tile[] =>
    job.artifacts.length > 0
      ? job.artifacts.map((artifact) => ({ key: artifact.id, job, artifact }))
      : [{ key: job.id, job, artifact: null }],
  );
}

/** Newest first, as the tiles are. A day has all of its tiles, so that they can be chosen together. */
export function toRows(tiles: readonly Tile[], columns: number): Row[] {
  const rows: Row[] = [];
  for (const [day, ofDay] of Map.groupBy(tiles, ({ job }) => dayOf(job.createdAt))) {
    rows.push({ kind: 'day', key: day, day, tiles: ofDay });
    for (let i = 0; i < ofDay.length; i += columns) {
      const inRow = ofDay.slice(i, i + columns);
      rows.push({ kind: 'tiles', key: inRow[0]?.key ?? day, tiles: inRow });
    }
  }
  return rows;
}
