import type { NodeDefinitions } from '../../src/core/node-definitions.ts';
import type { ComfyClient } from '../comfyui/client.ts';
import type { ComfySocket } from '../comfyui/socket.ts';

/** A ComfyUI of this worker, as a job sees it. */
export interface Backend {
  readonly name: string;
  readonly client: ComfyClient;
  readonly socket: ComfySocket;
  /** A socket of its own under another client id, for what is told to a worker that has died. To be closed. */
  socketAs(clientId: string): ComfySocket;
  /** Classes whose nodes make results; null until the server has said. */
  outputClasses(): ReadonlySet<string> | null;
  /** What it can run; null until the server has said. */
  nodeDefinitions(): NodeDefinitions | null;
}

/** `abandoned`: nothing that says anything of the server; so it is when nothing is said. */
export type JobSaw = 'succeeded' | 'failed' | 'abandoned';

/** A place at a server, held until it is disposed. */
export interface BackendLease extends Disposable {
  readonly backend: Backend;
  /** What the job saw of the server, for its breaker. Said more than once, the last one counts. */
  saw(outcome: JobSaw): void;
}
