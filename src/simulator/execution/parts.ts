import type { FaultHandle } from '../faults.ts';
import type { FileStore } from '../files.ts';
import type { MessageHub } from '../messages.ts';
import type { ObjectInfo } from '../object-info.ts';
import type { Pace } from './pace.ts';
import type { ResultCache } from './result-cache.ts';

export interface ExecutorParts {
  objectInfo: ObjectInfo;
  cache: ResultCache;
  faults: FaultHandle;
  files: FileStore;
  hub: MessageHub;
  pace: Pace;
  now: () => number;
  /** Called for every node that runs (cached ones do not). */
  ran: (nodeId: string) => void;
  /** Called when a prompt's first node runs. */
  running: () => void;
  /** Where errors go that are bugs of the simulator. */
  report: (error: unknown) => void;
}
