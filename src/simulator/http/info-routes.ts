import { freemem, totalmem } from 'node:os';
import { posix } from 'node:path';
import { modelFiles } from '../models.ts';
import type { ObjectInfo } from '../object-info.ts';
import { serverFeatures } from '../protocol/features.ts';
import { empty, json } from './exchange.ts';
import type { Routes } from './router.ts';

/** The version that the simulator behaves like. */
const comfyuiVersion = '0.33.0';

/** /object_info, /models, /embeddings, /system_stats, /features and a few others that front ends read. */
export function infoRoutes(objectInfo: ObjectInfo): Routes {
  const describeAll = (): Record<string, unknown> =>
    Object.fromEntries(objectInfo.names().map((name) => [name, objectInfo.describe(name)]));

  return [
    { method: 'GET', path: '/object_info', handle: () => json(describeAll()) },
    {
      method: 'GET',
      path: /^\/object_info\/([^/]+)$/,
      handle: ({ params: [name = ''] }) => {
        const info = objectInfo.describe(name);
        return json(info ? { [name]: info } : {});
      },
    },
    { method: 'GET', path: '/models', handle: () => json(Object.keys(modelFiles)) },
    {
      method: 'GET',
      path: /^\/models\/([^/]+)$/,
      handle: ({ params: [folder = ''] }) => {
        const files = Object.hasOwn(modelFiles, folder) ? modelFiles[folder] : undefined;
        return files ? json(files) : empty(404);
      },
    },
    {
      method: 'GET',
      path: '/embeddings',
      handle: () => json((modelFiles.embeddings ?? []).map((file) => posix.parse(file).name)),
    },
    { method: 'GET', path: '/system_stats', handle: () => json(systemStats()) },
    { method: 'GET', path: '/features', handle: () => json(serverFeatures) },
    { method: 'GET', path: '/extensions', handle: () => json([]) },
    { method: 'GET', path: '/users', handle: () => json({ storage: 'server', migrated: true }) },
  ];
}

function systemStats() {
  const memory = {
    vram_total: totalmem(),
    vram_free: freemem(),
    torch_vram_total: totalmem(),
    torch_vram_free: freemem(),
  };
  return {
    system: {
      os: 'linux',
      ram_total: totalmem(),
      ram_free: freemem(),
      comfyui_version: comfyuiVersion,
      required_frontend_version: null,
      installed_templates_version: null,
      required_templates_version: null,
      comfy_package_versions: [],
      python_version: '3.11.2 (simulated)',
      pytorch_version: '2.13.0+cpu',
      embedded_python: false,
      deploy_environment: 'local-git',
      argv: ['main.py', '--cpu'],
    },
    devices: [{ name: 'cpu', type: 'cpu', index: null, ...memory }],
  };
}
