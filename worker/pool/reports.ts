import type { Logger } from 'pino';
import type { BackendReport, BackendReporter } from '../../src/backends/backends.ts';

export interface ReportsOptions {
  reporter: BackendReporter;
  workerId: string;
  /** What is seen now. */
  read(): BackendReport[];
  /** Called with each report: the servers that are to get no new work. */
  onDraining(names: ReadonlySet<string>): void;
  /** Called with each try to tell. */
  onTurn(): void;
  intervalMs: number;
  log: Logger;
}

/** Tells the others every few seconds that this worker lives and what it sees, and at once when that has changed. */
export interface Reports {
  /** Something was seen; what differs from the last report is told now. */
  soon(): void;
  /** Says good-bye. */
  close(): Promise<void>;
}

export function startReports(options: ReportsOptions): Reports {
  const { reporter, workerId, read, onDraining, onTurn, intervalMs, log } = options;
  let told = '';
  let telling: Promise<void> | undefined;
  let closed = false;
  let failing = false;

  async function tell() {
    onTurn();
    const reports = read();
    try {
      const draining = await reporter.report(workerId, reports);
      told = statuses(reports);
      onDraining(draining);
      failing = false;
    } catch (cause) {
      if (!failing) log.warn({ err: cause }, 'what is seen of comfyui not reported');
      failing = true;
    }
  }

  /** One at a time: a Redis that is away gets one report when it is back, not a heap. */
  function start() {
    if (closed || telling) return;
    telling = tell().finally(() => {
      telling = undefined;
      if (!failing && statuses(read()) !== told) start();
    });
  }

  const timer = setInterval(start, intervalMs);
  start();
  return {
    soon() {
      if (statuses(read()) !== told) start();
    },
    async close() {
      closed = true;
      clearInterval(timer);
      await telling;
      await reporter.leave(workerId).catch((cause) => log.debug({ err: cause }, 'good-bye not said'));
    },
  };
}

function statuses(reports: BackendReport[]): string {
  return JSON.stringify(reports.map(({ name, status, comfyuiVersion }) => [name, status, comfyuiVersion]));
}
