import type { NodeCatalogue } from '../core/node-catalogue.ts';
import type { SeenBackend } from './backends.ts';

/** What one known ComfyUI can run, reached at the moment or not; null while nobody has read it. */
export interface BackendCatalogue extends Pick<SeenBackend, 'name' | 'status'> {
  catalogue: NodeCatalogue | null;
}

/** Written by workers. */
export interface CataloguePublisher {
  /** Keeps it for seven days from now; gives the hash that reports name it by. */
  publish(catalogue: NodeCatalogue): Promise<string>;
}

/** Read by gateways. Servers that have the same classes share one catalogue, by identity. */
export interface CatalogueDirectory {
  /** At most two seconds old. Throws when Redis cannot be reached. */
  read(): Promise<readonly BackendCatalogue[]>;
  /** The same for whoever must not wait for it: null where it is not known within 100 ms. Never throws. */
  glance(): Promise<readonly BackendCatalogue[] | null>;
}
