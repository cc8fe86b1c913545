/**
 * Which folder may import which: a folder may import itself and the folders that its line names. A line names only
 * folders of lines above it, so that folders cannot depend on each other in a circle. A subfolder with a line of its
 * own is not part of its parent folder.
 */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/core': [],
  'src/config': [],
  'src/async': [],
  'src/files': ['src/core', 'src/async'],
  'src/redis': ['src/async', 'src/config'],
  'src/callers': ['src/core', 'src/redis'],
  'src/callers/redis': ['src/callers', 'src/redis'],

  // What is stored, and where: ports, and their drivers in folders of their own.
  'src/artifacts': ['src/files'],
  'src/artifacts/s3': ['src/artifacts', 'src/async', 'src/files'],
  'src/artifacts/folder': ['src/artifacts', 'src/async', 'src/files'],
  'src/backends': ['src/core'],
  'src/backends/redis': ['src/backends', 'src/core', 'src/redis'],
  'src/job-record': ['src/callers', 'src/core'],
  'src/job-record/redis': ['src/callers', 'src/core', 'src/job-record', 'src/redis'],
  'src/workflows': ['src/core', 'src/files'],
  'src/observability': ['src/artifacts', 'src/async', 'src/backends', 'src/config', 'src/core'],
  'src/queue': [],
  'src/queue/bullmq': ['src/observability', 'src/queue', 'src/redis'],

  // Use cases on what is stored.
  'src/uploads': ['src/artifacts', 'src/callers', 'src/core', 'src/files', 'src/observability', 'src/redis'],
  'src/uploads/redis': ['src/redis', 'src/uploads'],
  'src/variants': ['src/artifacts', 'src/async', 'src/core', 'src/files', 'src/redis'],
  'src/variants/redis': ['src/redis', 'src/variants'],
  'src/progress': ['src/async', 'src/callers', 'src/core', 'src/job-record'],
  'src/progress/redis': [
    ...['src/async', 'src/callers', 'src/core', 'src/job-record', 'src/job-record/redis', 'src/observability'],
    ...['src/progress', 'src/redis'],
  ],
  'src/health': ['src/artifacts', 'src/async', 'src/backends', 'src/job-record', 'src/redis'],
  'src/jobs': [
    ...[
      'src/artifacts',
      'src/async',
      'src/backends',
      'src/callers',
      'src/core',
      'src/job-record',
      'src/observability',
      'src/progress',
      'src/queue',
    ],
    ...['src/redis', 'src/uploads', 'src/workflows'],
  ],

  'src/operator': [
    ...['src/artifacts', 'src/async', 'src/backends', 'src/callers', 'src/core', 'src/files', 'src/observability'],
    ...['src/redis', 'src/uploads', 'src/workflows'],
  ],

  // The servers that call the use cases, and the worker that runs jobs.
  'src/graphql': [
    ...[
      'src/artifacts',
      'src/async',
      'src/backends',
      'src/callers',
      'src/core',
      'src/health',
      'src/jobs',
      'src/observability',
    ],
    ...['src/operator', 'src/progress', 'src/uploads', 'src/variants', 'src/workflows'],
  ],
  'src/mcp': [
    ...['src/artifacts', 'src/backends', 'src/callers', 'src/core', 'src/graphql', 'src/jobs', 'src/progress'],
    ...['src/uploads', 'src/variants', 'src/workflows'],
  ],
  'src/http': [
    ...[
      'src/artifacts',
      'src/async',
      'src/callers',
      'src/core',
      'src/files',
      'src/graphql',
      'src/health',
      'src/mcp',
      'src/observability',
    ],
    'src/variants',
  ],
  // The worker's rooms, from what knows ComfyUI alone to the way of a job.
  'worker/timings.ts': [],
  'worker/comfyui': ['src/async', 'src/core', 'src/files'],
  'worker/pool': ['src/async', 'src/backends', 'src/core', 'worker/comfyui'],
  'worker/progress': ['src/async', 'src/backends', 'src/core', 'src/progress', 'worker/comfyui'],
  'worker/attempt': [
    ...['src/artifacts', 'src/async', 'src/core', 'src/files', 'src/job-record', 'src/observability'],
    ...['worker/comfyui', 'worker/pool', 'worker/timings.ts'],
  ],
  'worker/inputs': [
    ...['src/artifacts', 'src/async', 'src/core', 'src/files', 'src/uploads'],
    ...['worker/attempt', 'worker/comfyui', 'worker/pool', 'worker/timings.ts'],
  ],
  'worker/outputs': [
    ...['src/artifacts', 'src/async', 'src/core', 'src/files', 'src/observability'],
    ...['worker/attempt', 'worker/comfyui', 'worker/timings.ts'],
  ],
  'worker/prompt': [
    ...['src/async', 'src/backends', 'src/core', 'src/observability', 'src/progress', 'worker/attempt'],
    ...['worker/comfyui', 'worker/inputs', 'worker/outputs', 'worker/pool', 'worker/progress', 'worker/timings.ts'],
  ],
  'worker/delivery': [
    ...['src/artifacts', 'src/async', 'src/backends', 'src/core', 'src/observability', 'src/queue', 'worker/attempt'],
    ...['worker/comfyui', 'worker/inputs', 'worker/outputs', 'worker/pool', 'worker/prompt', 'worker/timings.ts'],
  ],
  worker: [
    ...['src/artifacts', 'src/backends', 'src/files', 'src/job-record', 'src/observability', 'src/progress'],
    ...['src/queue', 'worker/delivery', 'worker/inputs', 'worker/pool', 'worker/progress', 'worker/prompt'],
    'worker/timings.ts',
  ],

  // Child processes of `npm start`: they share no code with the product.
  'src/simulator': [],
  'src/embedded': ['src/files'],

  // The composition: the only folder that chooses drivers.
  'src/app': [
    ...['src/artifacts', 'src/artifacts/folder', 'src/artifacts/s3', 'src/async', 'src/backends', 'src/backends/redis'],
    ...[
      'src/callers',
      'src/callers/redis',
      'src/config',
      'src/core',
      'src/embedded',
      'src/graphql',
      'src/health',
      'src/http',
      'src/job-record',
    ],
    ...[
      'src/job-record/redis',
      'src/jobs',
      'src/observability',
      'src/operator',
      'src/progress',
      'src/progress/redis',
      'src/queue',
    ],
    ...['src/queue/bullmq', 'src/redis', 'src/uploads', 'src/uploads/redis', 'src/variants', 'src/variants/redis'],
    ...['src/workflows', 'worker'],
  ],
  'src/main.ts': ['src/app'],
  'src/cli': [
    ...[
      'src/app',
      'src/backends',
      'src/callers',
      'src/config',
      'src/core',
      'src/embedded',
      'src/graphql',
      'src/job-record',
      'src/jobs',
    ],
    ...['src/main.ts', 'src/redis', 'src/simulator', 'src/workflows', 'worker/comfyui'],
  ],

  // Packages of their own, which know the gateway by its API alone. Of the studio each page is a folder.
  'client/src': [],
  'client/src/cli': ['client/src'],
  'studio/src/parts': [],
  'studio/src/session': ['studio/src/parts'],
  'studio/src/code': ['studio/src/parts', 'studio/src/session'],
  'studio/src/jobs': ['studio/src/code', 'studio/src/parts', 'studio/src/session'],
  'studio/src/make': ['studio/src/code', 'studio/src/jobs', 'studio/src/parts', 'studio/src/session'],
  'studio/src/now': ['studio/src/code', 'studio/src/jobs', 'studio/src/parts', 'studio/src/session'],
  'studio/src/gallery': ['studio/src/code', 'studio/src/jobs', 'studio/src/parts', 'studio/src/session'],
  'studio/src/servers': ['studio/src/code', 'studio/src/jobs', 'studio/src/parts', 'studio/src/session'],
  'studio/src/account': ['studio/src/code', 'studio/src/jobs', 'studio/src/parts', 'studio/src/session'],
  'studio/src/app': [
    ...['studio/src/parts', 'studio/src/session', 'studio/src/make', 'studio/src/now', 'studio/src/gallery'],
    ...['studio/src/servers', 'studio/src/account'],
  ],
  'studio/src/main.tsx': ['studio/src/app'],
};

/** Files that have rules. */
export const RULED = /^(?:src|worker|client|studio)\//;

/** Packages that only some folders use; their types may be imported everywhere. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  bullmq: ['src/queue/bullmq'],
  minio: ['src/artifacts/s3'],
  aws4fetch: ['src/artifacts/s3'],
  sharp: ['src/files', 'src/simulator', 'src/variants'],
  ioredis: ['src/redis'],
  commander: ['src/cli'],
  ws: ['src/http', 'src/simulator', 'worker/comfyui'],
  'prom-client': ['src/observability'],
  undici: ['worker/comfyui', 'worker/inputs'],
  'graphql-yoga': ['src/http'],
  'graphql-ws': ['src/http', 'client/src'],
  '@pothos': ['src/graphql'],
  '@modelcontextprotocol': ['src/mcp'],
  '@opentelemetry': ['src/observability'],
};

/**
 * All that `core` may import beside itself. It has no I/O, no clock and no randomness: of `node:crypto` it only hashes.
 */
const OF_CORE = new Set(['zod', 'node:crypto']);

/** What of the client runs in browsers, and so imports nothing of Node. */
const IN_BROWSERS = 'client/src';

/**
 * The reason why the file `from` must not import `to`, or null where it may. Both are paths from the root of the
 * checkout; any other `to` is a package.
 */
export function whyForbidden(from: string, to: string, typesOnly: boolean): string | null {
  const folder = folderOf(from);
  if (folder === undefined) return `${from} lies in no folder of scripts/import-rules.ts`;
  if (RULED.test(to)) {
    const target = folderOf(to);
    if (target === folder || (target !== undefined && MAY_IMPORT[folder]?.includes(target))) return null;
    return `${folder} may import ${MAY_IMPORT[folder]?.join(', ') || 'nothing'}`;
  }
  if (folder === 'src/core' && !OF_CORE.has(to)) return `src/core may import ${[...OF_CORE].join(', ')}`;
  if (folder === IN_BROWSERS && to.startsWith('node:')) return `${IN_BROWSERS} runs in browsers`;
  const places = PACKAGES[packageOf(to)];
  if (!places || typesOnly || places.includes(folder)) return null;
  return `${packageOf(to)} is imported by ${places.join(', ')}`;
}

/** Cycles of files that import each other, imports of types included. Each cycle is the list of its files in order. */
export function findCycles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>();
  const path: string[] = [];
  const cycles: string[][] = [];
  function visit(file: string): void {
    const at = path.indexOf(file);
    if (at >= 0) cycles.push(path.slice(at));
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of imports.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  }
  for (const file of imports.keys()) visit(file);
  return cycles;
}

/** The deepest folder in MAY_IMPORT that contains the file. */
function folderOf(path: string): string | undefined {
  const holding = Object.keys(MAY_IMPORT).filter((folder) => path === folder || path.startsWith(`${folder}/`));
  return holding.sort((a, b) => b.length - a.length)[0];
}

/** The package of an import: `graphql-ws` for `graphql-ws/use/ws`. For a scope that PACKAGES names, the scope alone. */
function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') && !(first in PACKAGES) ? `${first}/${second}` : first;
}
