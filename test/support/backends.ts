import type { BackendReport } from '../../src/backends/backends.ts';

/** An empty report, which tests complete. */
export const unknownBackend: BackendReport = {
  name: 'main',
  status: 'DOWN',
  comfyuiVersion: null,
  queued: 0,
  running: 0,
  devices: [],
  message: null,
  stuckPrompt: null,
  models: {},
  catalogue: null,
};
