import type { NodeDefinitions } from '../core/node-definitions.ts';
import type { SeenBackend } from './backends.ts';

/** What one known ComfyUI can run, reached at the moment or not; null while nobody has read it. */
export interface BackendNodeDefinitions extends Pick<SeenBackend, 'name' | 'status'> {
  nodeDefinitions: NodeDefinitions | null;
}

/** Written by workers. */
export interface NodeDefinitionsPublisher {
  /** Keeps it for seven days from now; gives the hash that reports name it by. */
  publish(nodeDefinitions: NodeDefinitions): Promise<string>;
}

/** Read by gateways. Servers that have the same classes share the same ones, by identity. */
export interface NodeDefinitionsDirectory {
  /** At most two seconds old. Throws when Redis cannot be reached. */
  read(): Promise<readonly BackendNodeDefinitions[]>;
  /** The same for whoever must not wait for it: null where it is not known within 100 ms. Never throws. */
  tryRead(): Promise<readonly BackendNodeDefinitions[] | null>;
}
