import { randomUUID } from 'node:crypto';
import { access, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './product.ts';

/**
 * A limit of memory for a process with all that it starts, as a container has: the kernel kills what exceeds it. What
 * `--max-old-space-size` limits is the smaller part of a gateway's memory.
 */
export interface MemoryGroup {
  /** The environment of a process that is to be in it, from its start. */
  env: Record<string, string>;
  /** The most that the kernel has counted at once, in bytes, files that it keeps in memory included. */
  peakBytes(): Promise<number>;
  /** How often the kernel had to kill for memory. */
  kills(): Promise<number>;
  /** Removes it. Its processes must have ended or be ending. */
  close(): Promise<void>;
}

/** The file names of cgroups, in both of their versions. */
const VERSIONS = [
  { root: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak', events: 'memory.events' },
  {
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    events: 'memory.oom_control',
  },
];

const preload = new URL('join-memory-group.mjs', import.meta.url);

/** Makes a group, or resolves to null where this user may not make one. */
export async function openMemoryGroup(bytes: number): Promise<MemoryGroup | null> {
  for (const { root, limit, peak, events } of VERSIONS) {
    const folder = join(root, `comfygate-test-${randomUUID()}`);
    try {
      await mkdir(folder);
    } catch {
      continue;
    }
    const read = (name: string) => readFile(join(folder, name), 'utf8');
    const remove = () => eventually(() => rmdir(folder).then(() => true), 'its processes have ended');
    try {
      // Absent where that is no control group, or the one above passes no limits of memory on.
      await Promise.all(['cgroup.procs', limit, peak].map((name) => access(join(folder, name))));
      await writeFile(join(folder, limit), String(bytes));
    } catch {
      await remove();
      continue;
    }
    return {
      env: { MEMORY_GROUP: join(folder, 'cgroup.procs'), NODE_OPTIONS: `--import ${preload.href}` },
      peakBytes: async () => Number(await read(peak)),
      kills: async () => Number(/^oom_kill (\d+)/m.exec(await read(events))?.[1] ?? 0),
      close: remove,
    };
  }
  return null;
}
