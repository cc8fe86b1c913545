import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArtifactStore } from '../../src/artifacts/artifact-store.ts';
import { createFolderStore } from '../../src/artifacts/folder/folder.ts';
import { createUploadFolder } from '../../src/artifacts/folder/upload-folder.ts';
import { createS3Store } from '../../src/artifacts/s3/s3.ts';
import { createArtifactDownload } from '../../src/http/files/artifact-download.ts';
import { createArtifactUpload } from '../../src/http/files/artifact-upload.ts';
import { findMinio, startTestMinio, type TestMinio } from './minio.ts';
import { findVersityGateway, startTestVersityGateway, type TestVersityGateway } from './versitygw.ts';

/** A storage for one test, and the server of its signed URLs. */
export interface ArtifactDriver {
  /** A store over the same storage with a clock that the test controls. */
  store(now?: () => number): ArtifactStore;
  dispose(): Promise<void>;
}

/** Every driver, each with a real server. A driver is not available where its program is missing. */
export const artifactDrivers: { name: string; available: boolean; start(): Promise<ArtifactDriver> }[] = [
  { name: 'folder', available: true, start: folderDriver },
  { name: 'S3 (MinIO)', available: findMinio() !== null, start: async () => s3Driver(await startTestMinio()) },
  {
    name: 'S3 (Versity gateway)',
    available: findVersityGateway() !== null,
    start: async () => s3Driver(await startTestVersityGateway()),
  },
];

async function folderDriver(): Promise<ArtifactDriver> {
  const folder = await mkdtemp(join(tmpdir(), 'comfygate-artifacts-'));
  const signingSecret = randomBytes(32).toString('hex');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const publicUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const artifacts = createFolderStore({ folder, publicUrl, signingSecret, now: Date.now });
  const options = { signingSecret, now: Date.now };
  const download = createArtifactDownload({ ...options, artifacts });
  const upload = createArtifactUpload({ ...options, uploads: createUploadFolder(folder) });
  server.on('request', (req, res) => void (req.method === 'PUT' ? upload(req, res) : download(req, res)));
  return {
    store: (now) => createFolderStore({ folder, publicUrl, signingSecret, now: now ?? Date.now }),
    async dispose() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await rm(folder, { recursive: true });
    },
  };
}

function s3Driver(server: TestMinio | TestVersityGateway): ArtifactDriver {
  const { endpoint, region, accessKey, secretKey } = server;
  const bucket = `comfygate-${randomUUID()}`;
  const stores: ArtifactStore[] = [];
  return {
    store(now) {
      const store = createS3Store({ endpoint, region, bucket, accessKey, secretKey, now: now ?? Date.now });
      stores.push(store);
      return store;
    },
    async dispose() {
      for (const store of stores) store.close();
      await server.close();
    },
  };
}
