import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { createFolderStore, type FolderStoreOptions } from '../artifacts/folder/folder.ts';
import { createS3Store, type S3StoreOptions } from '../artifacts/s3/s3.ts';

export type ArtifactStoreConfig =
  | ({ driver: 's3' } & Omit<S3StoreOptions, 'now'>)
  | ({ driver: 'folder' } & Omit<FolderStoreOptions, 'now'>);

/** Creates the store that the configuration names. `now` (milliseconds since 1970) is the signing time of URLs. */
export function createArtifactStore(config: ArtifactStoreConfig, now: () => number = Date.now): ArtifactStore {
  return config.driver === 's3' ? createS3Store({ ...config, now }) : createFolderStore({ ...config, now });
}
