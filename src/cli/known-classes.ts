import { readFile } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { parseExactJson } from '../core/exact-json.ts';
import type { NodeDefinitions } from '../core/node-definitions.ts';
import { objectInfoSchema } from '../core/object-info.ts';
import { findEmbeddedRedis } from '../embedded/redis.ts';
import { readStockNodeDefinitions } from '../workflows/stock-node-definitions.ts';

/** Servers with many custom nodes answer slowly. */
const OBJECT_INFO_LIMITS = { timeoutMs: 30_000 };

export interface ClassOptions {
  comfyui?: string;
  objectInfo?: string;
}

export interface KnownClasses {
  /** Of servers: of the one that was named, else of those that workers have reported; empty where there are none. */
  servers: NodeDefinitions[];
  /** By which a file is understood, the first of equals: those of servers, and of a stock ComfyUI if none was named. */
  candidates: NodeDefinitions[];
}

/** The message says what is wrong with what the person at the terminal named. */
export class UnreadableServer extends Error {}

/**
 * The classes by which a command understands workflows. Those that workers have reported are found where an
 * installation can be reached: by REDIS_URL, or as an `npm start` on DATA_DIR. Where it is set and cannot, `note` is
 * told so. Rejects with UnreadableServer where what the options name cannot be read.
 */
export async function readKnownClasses(
  { comfyui, objectInfo }: ClassOptions,
  config: Config,
  note: (text: string) => void,
): Promise<KnownClasses> {
  if (comfyui !== undefined) return named(await readObjectInfo(comfyui));
  if (objectInfo !== undefined) return named(await readObjectInfoFile(objectInfo));
  const [stock, servers] = await Promise.all([readStockNodeDefinitions(), reportedClasses(config, note)]);
  return { servers, candidates: [...servers, stock] };
}

function named(nodeDefinitions: NodeDefinitions): KnownClasses {
  return { servers: [nodeDefinitions], candidates: [nodeDefinitions] };
}

async function reportedClasses(config: Config, note: (text: string) => void): Promise<NodeDefinitions[]> {
  const url = config.redis.url ?? (await findEmbeddedRedis(config.folder.dataDir));
  if (url === null) return [];
  // A file is converted without them in less time than they take to load.
  const [{ readReportedClasses }, { pino }] = await Promise.all([
    import('../app/read-reported-classes.ts'),
    import('pino'),
  ]);
  try {
    return await readReportedClasses(config, url, pino({ level: 'silent' }));
  } catch (error) {
    note(`Note: ${messageOf(error)}; the classes of a stock ComfyUI are taken\n`);
    return [];
  }
}

export async function readObjectInfo(url: string): Promise<NodeDefinitions> {
  const base = URL.parse(url);
  if (!base || !/^https?:$/.test(base.protocol)) throw new UnreadableServer(`--comfyui: ${url} is no http address`);
  const { createComfyHttp } = await import('../../worker/comfyui/http.ts');
  const http = createComfyHttp(url.replace(/\/+$/, ''));
  try {
    return await http.get('/api/object_info', 'objectInfo', OBJECT_INFO_LIMITS);
  } catch (error) {
    throw new UnreadableServer(`--comfyui ${url}: ${messageOf(error)}`);
  } finally {
    await http.close();
  }
}

async function readObjectInfoFile(path: string): Promise<NodeDefinitions> {
  try {
    return objectInfoSchema.parse(parseExactJson(await readFile(path, 'utf8')));
  } catch (error) {
    const reason = messageOf(error).slice(0, 200);
    throw new UnreadableServer(`--object-info ${path}: expected what a ComfyUI answers to GET /object_info; ${reason}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
