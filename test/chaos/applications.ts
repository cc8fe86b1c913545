import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGatewayClient, generated, type SeenEvent, type SeenJob } from '../support/gateway-client.ts';

/** What an application knows of one of its jobs. */
export interface Entry {
  key: string;
  /** Every id that the key was ever answered with. */
  ids: Set<string>;
  end: SeenEvent | null;
  /** What was seen of it, each once, in milliseconds of performance.now. */
  changes: { seq: number; at: number; running: boolean }[];
}

/**
 * Applications that mean it: each asks with one key until it is answered, watches the job to its end, and asks for the
 * next.
 */
export interface Applications {
  /** What was asked for, by key. */
  entries: readonly Entry[];
  /** When the end of a job was seen, in milliseconds of performance.now. */
  ends: readonly number[];
  /** The longest that an answer took while it was UNAVAILABLE, in milliseconds. */
  slowestRefusal(): number;
  /**
   * The longest, in milliseconds, that a job that was running at this moment stood still until its next event was seen.
   */
  stoodStill(since: number): number;
  /** Throws where one has met what none should. */
  expectWell(): void;
  /** Asks for nothing new, and resolves when everything that was asked for has ended. Then they are gone. */
  finish(): Promise<void>;
}

export interface ApplicationOptions {
  count: number;
  /** Of gateways: who does not answer at one goes to the other. */
  addresses: readonly string[];
  texts: string[];
  random: () => number;
}

const ENDS_WITHIN_MS = 120_000;
const GIVE_UP_TRIES = 1_000;
/** What a process wrote before it died is seen a little later. */
const IN_FLIGHT_MS = 500;

export function startApplications({ count, addresses, texts, random }: ApplicationOptions): Applications {
  const clients = addresses.map((address) => createGatewayClient(address, texts));
  const entries: Entry[] = [];
  const ends: number[] = [];
  let finishing = false;
  let slowestRefusalMs = 0;

  function anyClient() {
    const client = clients[Math.floor(random() * clients.length)];
    if (!client) throw new Error('there is no gateway');
    return client;
  }

  async function ask(entry: Entry): Promise<SeenJob> {
    for (let tries = 1; tries <= GIVE_UP_TRIES; tries++) {
      try {
        const answer = await anyClient().tryGenerate({ key: entry.key });
        const refused = answer.errors.every(({ extensions }) => extensions.code === 'UNAVAILABLE');
        if (answer.errors.length === 0) return generated(answer).job;
        if (!refused) throw new Error(`not accepted: ${JSON.stringify(answer.errors)}`);
        slowestRefusalMs = Math.max(slowestRefusalMs, answer.ms);
      } catch (cause) {
        // Its connection was refused or cut off: whether it was accepted the application does not know, and asks again.
        if (!(cause instanceof TypeError)) throw cause;
      }
      await sleep(100 + random() * 200);
    }
    throw new Error('never accepted');
  }

  function watchToEnd(id: string, { changes }: Entry): Promise<SeenEvent> {
    function onEvent({ seq, job }: SeenEvent) {
      if (seq > (changes.at(-1)?.seq ?? 0))
        changes.push({ seq, at: performance.now(), running: job.status === 'RUNNING' });
    }
    return anyClient()
      .watch(id, { addresses: () => anyClient().url, onEvent })
      .end(ENDS_WITHIN_MS);
  }

  async function runOne() {
    const entry: Entry = { key: randomUUID(), ids: new Set(), end: null, changes: [] };
    entries.push(entry);
    const { id } = await ask(entry);
    entry.ids.add(id);
    const end = watchToEnd(id, entry);
    // Told when it is awaited.
    end.catch(() => undefined);
    // As after a reload: the key gives the same job, wherever it is asked for.
    if (random() < 0.2) entry.ids.add((await ask(entry)).id);
    entry.end = await end;
    ends.push(performance.now());
  }

  const running = Array.from({ length: count }, async () => {
    while (!finishing) await runOne();
  });
  const failures: unknown[] = [];
  for (const each of running) each.catch((failure: unknown) => failures.push(failure));

  return {
    entries,
    ends,
    slowestRefusal: () => slowestRefusalMs,
    stoodStill(since) {
      const silences = entries.flatMap(({ changes }) =>
        changes.slice(1).map(({ at }, i) => {
          const before = changes[i];
          const wasRunning = before?.running && before.at <= since + IN_FLIGHT_MS && at > since;
          return wasRunning ? at - Math.max(before.at, since) : 0;
        }),
      );
      return silences.reduce((longest, each) => Math.max(longest, each), 0);
    },
    expectWell() {
      if (failures.length > 0) throw new Error('an application failed', { cause: failures[0] });
    },
    async finish() {
      finishing = true;
      await Promise.all(running);
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}
