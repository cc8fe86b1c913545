import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { createKeyOperator } from '../../src/callers/keys.ts';
import { createRedisKeys } from '../../src/callers/redis/redis-keys.ts';
import { defaultScopes } from '../../src/callers/scopes.ts';
import { createSeal } from '../../src/job-record/seal.ts';
import { createGatewayClient, generated } from '../support/gateway-client.ts';
import type { Entry } from './applications.ts';
import type { Installation } from './installation.ts';

/** Somebody with a key, who means it: each call is made again with its key until it is accepted or refused for good. */
export interface Caller {
  name: string;
  apiKey: string;
  /** What was accepted, each watched to its end. */
  entries: Entry[];
  /** Calls that were refused for good, by the limit that refused them. */
  refused: Record<string, number>;
  /** When the end of a job was seen, in milliseconds of performance.now. */
  ends: number[];
  /** The longest that an answer took while it was UNAVAILABLE, in milliseconds. */
  readonly slowestRefusalMs: number;
  /** Asks for so many more jobs. Resolves when each is accepted or refused for good. */
  ask(count: number): Promise<void>;
  /** Resolves when every job that was accepted has ended. */
  ended(): Promise<void>;
  /** Closes its connections. */
  leave(): Promise<void>;
}

/** 60 ms at the servers of an installation, so that a backlog takes a while. */
const PARAMETERS = { steps: 60 };
const ENDS_WITHIN_MS = 120_000;
const ASKED_AT_ONCE = 6;
/** Of a call that is refused now and may be accepted soon. */
const AGAIN_MS = 100;

/** A new caller of an installation with AUTH=keys, or one that has lost its key. */
export async function newCaller(installation: Installation, plan: string, name = `${plan}-${randomUUID()}`) {
  const { addresses, product, secrets, callers } = installation;
  const { admin, keys, texts } = product;
  const operator = createKeyOperator(createRedisKeys(admin, keys), createSeal('not used: none of them signs', name));
  const request = { caller: name, name: plan, plan, scopes: defaultScopes, lifeMs: null, signed: false };
  const { text: apiKey } = await operator.create(request);
  secrets.push(apiKey);
  callers.add(name);
  return startCaller(name, apiKey, addresses, texts);
}

function startCaller(name: string, apiKey: string, addresses: readonly string[], texts: string[]): Caller {
  const clients = addresses.map((address) => createGatewayClient(address, texts, { apiKey }));
  const entries: Entry[] = [];
  const refused: Record<string, number> = {};
  const ends: number[] = [];
  const watching: Promise<void>[] = [];
  let turn = 0;
  let slowestRefusalMs = 0;

  function anyClient() {
    const client = clients[turn++ % clients.length];
    return client ?? expect.fail('there is no gateway');
  }

  /** The job's id, or null where a limit refuses it for good. */
  async function askFor(key: string): Promise<string | null> {
    for (;;) {
      try {
        const answer = await anyClient().tryGenerate({ key, parameters: PARAMETERS });
        const [error] = answer.errors;
        if (!error) return generated(answer).job.id;
        const { code, name: limit } = error.extensions;
        if (code === 'UNAVAILABLE') slowestRefusalMs = Math.max(slowestRefusalMs, answer.ms);
        else if (code !== 'QUOTA_EXCEEDED') throw new Error(`not accepted: ${JSON.stringify(answer.errors)}`);
        else if (limit !== 'queued') {
          refused[String(limit)] = (refused[String(limit)] ?? 0) + 1;
          return null;
        }
      } catch (cause) {
        // Its connection was refused or cut off: whether it was accepted the caller does not know, and asks again.
        if (!(cause instanceof TypeError)) throw cause;
      }
      await sleep(AGAIN_MS);
    }
  }

  async function watchToEnd(entry: Entry, id: string): Promise<void> {
    entry.end = await anyClient()
      .watch(id, { addresses: () => anyClient().url })
      .end(ENDS_WITHIN_MS);
    ends.push(performance.now());
  }

  async function askForOne() {
    const entry: Entry = { key: randomUUID(), ids: new Set(), end: null, changes: [] };
    const id = await askFor(entry.key);
    if (id === null) return;
    entries.push(entry);
    entry.ids.add(id);
    const end = watchToEnd(entry, id);
    // Told by `ended`.
    end.catch(() => undefined);
    watching.push(end);
    // As after a reload: whatever is left of its limits, the key gives the same job.
    if (entries.length % 5 === 0) entry.ids.add((await askFor(entry.key)) ?? 'none');
  }

  return {
    name,
    apiKey,
    entries,
    refused,
    ends,
    get slowestRefusalMs() {
      return slowestRefusalMs;
    },
    async ask(count) {
      let left = count;
      const asks = Array.from({ length: ASKED_AT_ONCE }, async () => {
        while (left-- > 0) await askForOne();
      });
      await Promise.all(asks);
    },
    async ended() {
      await Promise.all(watching);
    },
    async leave() {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}
