import type { NodeDefinitions } from '../core/node-definitions.ts';
import type { KnownBackend } from './backends.ts';

/** The node definitions of one known server, whether it is reached now or not; null while no worker has read them. */
export interface BackendNodeDefinitions extends Pick<KnownBackend, 'name' | 'status' | 'configured'> {
  nodeDefinitions: NodeDefinitions | null;
}

/** Written by workers. */
export interface NodeDefinitionsPublisher {
  /**
   * Keeps the definitions for seven days from now, or until this worker has published 32 others since. Returns their
   * hash, by which reports refer to them; null: they are larger than any that are kept (4 MiB, compressed).
   */
  publish(nodeDefinitions: NodeDefinitions): Promise<string | null>;
}

/** A gateway's wish that workers read these classes of their servers anew, and when it was made, on Redis's clock. */
export interface LookRequest {
  at: number;
  classes: readonly string[];
}

/** Heard by workers. */
export interface LookRequests {
  listen(onRequest: (request: LookRequest) => void): Disposable;
}

/** Read by gateways. Servers with the same node definitions share one object. */
export interface NodeDefinitionsDirectory {
  /** At most two seconds old. Rejects when Redis cannot be reached. */
  read(): Promise<readonly BackendNodeDefinitions[]>;
  /** Like `read`, for callers that must not wait: null where it takes over 100 ms or fails. Never rejects. */
  tryRead(): Promise<readonly BackendNodeDefinitions[] | null>;
  /**
   * The definitions after the workers have read these classes of their servers anew, which takes some milliseconds; as
   * they are known where it takes over four seconds. Null where Redis cannot be reached. Never rejects.
   */
  lookAgain(classes: readonly string[]): Promise<readonly BackendNodeDefinitions[] | null>;
}

/** What servers' classes are known, those of servers that are reached first. */
export function reachedFirst(seen: readonly BackendNodeDefinitions[]): NodeDefinitions[] {
  return seen
    .toSorted((a, b) => Number(a.status === 'DOWN') - Number(b.status === 'DOWN'))
    .flatMap(({ nodeDefinitions }) => nodeDefinitions ?? []);
}
