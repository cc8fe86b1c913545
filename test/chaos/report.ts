import { appendFileSync } from 'node:fs';

/** One line of the table in docs/reliability.md. */
export interface Row {
  scenario: string;
  acknowledged: number;
  lost: number;
  doubled: number;
  /** From the moment that the fault was mended to the end of the next job; null where nothing was measured. */
  recoveryMs: number | null;
}

/** Keeps a row for whoever asked for a report by CHAOS_REPORT, a file of JSON lines. */
export function writeRow({ scenario, acknowledged, lost, doubled, recoveryMs }: Row): void {
  const file = process.env.CHAOS_REPORT;
  if (file) appendFileSync(file, `${JSON.stringify({ scenario, acknowledged, lost, doubled, recoveryMs })}\n`);
}
