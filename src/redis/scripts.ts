import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

/** What a script answers: strings, numbers and lists of them. */
export type ScriptReply = string | number | null | ScriptReply[];

export type Script = (redis: Redis, keys: string[], args: (string | number)[]) => Promise<ScriptReply>;

/**
 * A Lua file beside its caller, run by its hash and sent whole only when Redis does not know it. `libraries` are put in
 * front of it: what they define is the script's too.
 */
export function loadScript(url: URL, ...libraries: URL[]): Script {
  const source = [...libraries, url].map((each) => readFileSync(each, 'utf8')).join('\n');
  const hash = createHash('sha1').update(source).digest('hex');
  return async (redis, keys, args) => {
    try {
      return (await redis.evalsha(hash, keys.length, ...keys, ...args)) as ScriptReply;
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return (await redis.eval(source, keys.length, ...keys, ...args)) as ScriptReply;
    }
  };
}

/** The strings of a list in a script's answer; anything else in it is a fault of the script. */
export function strings(reply: ScriptReply | undefined): string[] {
  if (!Array.isArray(reply)) throw new Error('a script answered something else than a list');
  return reply.map((item) => {
    if (typeof item !== 'string') throw new Error('a script answered something else than text');
    return item;
  });
}
