import type { Logger } from 'pino';
import type { BackendReport, BackendReporter } from '../../src/backends/backends.ts';

export interface ReportsOptions {
  reporter: BackendReporter;
  workerId: string;
  /** What is seen now. */
  read(): BackendReport[];
  /** Called with each report: the servers that are to get no new work. */
  onDraining(names: ReadonlySet<string>): void;
  /** Called with each report: prompts that do not end, by server, as its last report says. */
  onStuck(prompts: ReadonlyMap<string, string>): void;
  /** Called with each try to report. */
  onTurn(): void;
  intervalMs: number;
  log: Logger;
}

/** Reports to the installation, every few seconds and after each change, that this worker lives and what it sees. */
export interface Reports {
  /** Something may have changed: reports now what differs from the last report. */
  onChange(): void;
  /** Removes this worker from those that report. */
  close(): Promise<void>;
}

export function startReports(options: ReportsOptions): Reports {
  const { reporter, workerId, read, onDraining, onStuck, onTurn, intervalMs, log } = options;
  let lastReported = '';
  let reporting: Promise<void> | undefined;
  let closed = false;
  let failing = false;

  async function report() {
    onTurn();
    const reports = read();
    try {
      const { draining, stuck } = await reporter.report(workerId, reports);
      lastReported = statuses(reports);
      onDraining(draining);
      onStuck(stuck);
      failing = false;
    } catch (cause) {
      if (!failing) log.warn({ err: cause }, 'comfyui servers not reported');
      failing = true;
    }
  }

  /** One at a time: a Redis that is away gets one report when it is back, not a heap. */
  function start() {
    if (closed || reporting) return;
    reporting = report().finally(() => {
      reporting = undefined;
      if (!failing && statuses(read()) !== lastReported) start();
    });
  }

  const timer = setInterval(start, intervalMs);
  start();
  return {
    onChange() {
      if (statuses(read()) !== lastReported) start();
    },
    async close() {
      closed = true;
      clearInterval(timer);
      await reporting;
      await reporter.leave(workerId).catch((cause) => log.debug({ err: cause }, 'worker not signed off'));
    },
  };
}

function statuses(reports: BackendReport[]): string {
  return JSON.stringify(
    reports.map(({ name, status, comfyuiVersion, lookedAgain }) => [name, status, comfyuiVersion, lookedAgain]),
  );
}
