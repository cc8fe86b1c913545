import type { BackendReport } from '../../src/backends/backends.ts';

/** A report that says nothing yet: tests fill in what they mean. */
export const unknownBackend: BackendReport = {
  name: 'main',
  status: 'DOWN',
  comfyuiVersion: null,
  queued: 0,
  running: 0,
  devices: [],
  message: null,
  models: {},
  catalogue: null,
};
