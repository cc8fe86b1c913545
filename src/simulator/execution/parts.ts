import type { FaultHandle } from '../faults.ts';
import type { FileStore } from '../files.ts';
import type { MessageHub } from '../messages.ts';
import type { ObjectInfo, PackNode } from '../object-info.ts';
import type { Pace } from './pace.ts';
import type { ResultCache } from './result-cache.ts';

export interface ExecutorParts {
  objectInfo: ObjectInfo;
  packs: Readonly<Record<string, PackNode>>;
  cache: ResultCache;
  faults: FaultHandle;
  files: FileStore;
  hub: MessageHub;
  pace: Pace;
  now: () => number;
  /** Called after every node that ran; a cached one does not run. */
  onNodeRun: (nodeId: string) => void;
  /** Called when a prompt's first node starts. */
  onFirstNode: () => void;
  /** Reports errors that are bugs of the simulator. */
  report: (error: unknown) => void;
}
