import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis';
import * as z from 'zod';
import type { RedisHost } from '../config/redis-address.ts';

/** `CLUSTER SLOTS`: ranges of slots, each with its master first and its replicas behind it. */
const nodeSchema = z.tuple([z.string().nullable(), z.int()]).rest(z.unknown());
const slotsSchema = z.array(z.tuple([z.int(), z.int(), nodeSchema]).rest(nodeSchema));

/** A node that says nothing for so long is passed over. */
const ASK_TIMEOUT_MS = 1_000;
const RETRY_MS = 250;
const DISCONNECT_TIMEOUT_MS = 2_000;

export interface ClusterConnectorOptions {
  /** Nodes to begin with; others are learned from them. */
  nodes: readonly RedisHost[];
  /** The hash tag that all our keys carry. */
  tag: string;
  /** How to log in to each node. */
  login: Pick<RedisOptions, 'username' | 'password' | 'tls'>;
}

/**
 * Connects ioredis to the one master that holds all our keys: they carry one hash tag and so live in one slot. With
 * each connection the nodes are asked anew who that is, as Sentinels are, so whoever uses it need not know of a
 * Cluster.
 */
export function createClusterConnector({ nodes, tag, login }: ClusterConnectorOptions) {
  return class ClusterConnector extends AbstractConnector {
    /** In the order in which they are asked. */
    #known: readonly RedisHost[] = nodes;

    constructor() {
      super(DISCONNECT_TIMEOUT_MS);
    }

    /** A replica is none of ours: the failover may have come between the answer and the connection. */
    override check({ role }: { role?: string }): boolean {
      return role === undefined || role === 'master';
    }

    /** Asks until some node answers: ioredis would give up for ever when this rejected. */
    async connect(report: (type: string, error: Error) => void): Promise<Socket | TLSSocket> {
      this.connecting = true;
      for (;;) {
        const { owner, failure } = await this.#findOwner();
        // Closed meanwhile.
        if (!this.connecting) throw new Error('Connection is closed.');
        if (owner) {
          const { tls } = login;
          const stream = tls ? connectTls({ ...owner, ...tls }) : connectTcp({ ...owner });
          stream.once('error', (error) => {
            this.firstError = error;
          });
          this.stream = stream;
          return stream;
        }
        report('error', new Error(`No node of the cluster knows who holds our slot: ${failure}`));
        await delay(RETRY_MS);
      }
    }

    async #findOwner(): Promise<{ owner: RedisHost | null; failure: string }> {
      let failure = 'none has a master for it';
      const silent: RedisHost[] = [];
      for (const node of this.#known) {
        if (!this.connecting) break;
        try {
          const { owner, others } = await askNode(node);
          if (!owner) continue;
          // Once this connection has failed or ended, others are asked first: either of the two may have been cut off
          // and tell of the past for as long as that lasts.
          const last = distinct([owner, node, ...silent]);
          this.#known = [...distinct([...last, ...others, ...nodes]).slice(last.length), ...last];
          return { owner, failure };
        } catch (cause) {
          silent.push(node);
          failure = cause instanceof Error ? cause.message : String(cause);
        }
      }
      return { owner: null, failure };
    }
  };

  async function askNode(node: RedisHost) {
    const client = new Redis({
      ...node,
      ...login,
      retryStrategy: null,
      enableReadyCheck: false,
      connectTimeout: ASK_TIMEOUT_MS,
      commandTimeout: ASK_TIMEOUT_MS,
    });
    // Each call's own rejection says it.
    client.on('error', () => undefined);
    try {
      const [slot, reply] = await Promise.all([client.cluster('KEYSLOT', tag), client.cluster('SLOTS')]);
      const ranges = slotsSchema.parse(reply);
      // An empty host stands for the one that was asked.
      const addressOf = ([host, port]: z.infer<typeof nodeSchema>) => ({ host: host || node.host, port });
      const range = ranges.find(([first, last]) => first <= Number(slot) && Number(slot) <= last);
      const others = ranges.flatMap(([, , master, ...replicas]) => [master, ...replicas].map(addressOf));
      return { owner: range ? addressOf(range[2]) : null, others };
    } finally {
      client.disconnect();
    }
  }
}

function distinct(hosts: readonly RedisHost[]): RedisHost[] {
  return [...new Map(hosts.map((each) => [`${each.host}:${each.port}`, each])).values()];
}
