import type { NodeDefinitions } from '../../src/core/node-definitions.ts';
import type { ComfyClient } from '../comfyui/client.ts';
import type { ComfySocket } from '../comfyui/socket.ts';

/** A ComfyUI of this worker, as a job sees it. */
export interface Backend {
  readonly name: string;
  readonly client: ComfyClient;
  readonly socket: ComfySocket;
  /** Another socket, under the client id of a worker that has died, for the messages that go to it. To be closed. */
  socketAs(clientId: string): ComfySocket;
  /** Classes whose nodes make results; null until the server has answered. */
  outputClasses(): ReadonlySet<string> | null;
  /** What it can run; null until the server has answered. */
  nodeDefinitions(): NodeDefinitions | null;
}

/**
 * What a job found out about its server; `abandoned` says nothing of it, and is what holds where nothing is reported.
 */
export type SlotOutcome = 'succeeded' | 'failed' | 'abandoned';

/** A slot for one prompt at a server. Disposing it gives it back. */
export interface BackendSlot extends Disposable {
  readonly backend: Backend;
  /**
   * Tells the server's breaker how the job fared there, once the slot is given back. Of several reports the last one
   * counts.
   */
  report(outcome: SlotOutcome): void;
}
