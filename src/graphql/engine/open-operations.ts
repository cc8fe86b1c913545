import type { DocumentNode } from 'graphql';
import { badInput, GatewayError } from '../../core/errors.ts';
import type { Documents } from './documents.ts';

/** An operation that goes on for a while: a subscription, or one of a socket. */
export interface OpenOperation {
  document: DocumentNode;
  /** What was sent with the document. */
  variables: unknown;
  /** Whose it is: an object that stands for the connection, and the address by which its client is counted. */
  connection: object;
  client: string;
}

export interface OpenOperations {
  /**
   * Counts what an operation holds in memory against its connection, its client and all, until this is disposed of.
   * Equal documents have one tree, and count once. Throws LIMIT_EXCEEDED where it would be too much for one of them,
   * and BAD_USER_INPUT for variables that nest more than a hundred levels.
   */
  open(operation: OpenOperation): Disposable;
}

const MEBIBYTE = 1024 * 1024;

/**
 * A document of a page takes some 50 KB, its variables less than 1 KB. For a gateway of 512 MiB all together are an
 * eighth; four addresses have to join for that.
 */
const MAX_BYTES = { connection: 4 * MEBIBYTE, client: 16 * MEBIBYTE, all: 64 * MEBIBYTE };

/** Deeper than any request. */
const MAX_LEVELS = 100;

/** What is held for one of those that are counted. */
interface Account {
  bytes: number;
  /** How often each is open. */
  documents: Map<DocumentNode, number>;
}

const emptyAccount = (): Account => ({ bytes: 0, documents: new Map() });

export function createOpenOperations(documents: Documents): OpenOperations {
  const all = emptyAccount();
  const clients = new Map<string, Account>();
  const connections = new WeakMap<object, Account>();

  return {
    open({ document, variables, connection, client }) {
      const ofConnection = connections.get(connection) ?? emptyAccount();
      const ofClient = clients.get(client) ?? emptyAccount();
      const own = weigh(variables, MAX_LEVELS);
      const { bytes: ofDocument } = documents.of(document);
      const charge = (account: Account) => own + (account.documents.has(document) ? 0 : ofDocument);

      const bounds = [
        ['of this connection', ofConnection, MAX_BYTES.connection],
        ['from this address', ofClient, MAX_BYTES.client],
        ['of all clients', all, MAX_BYTES.all],
      ] as const;
      for (const [whose, account, most] of bounds) {
        if (account.bytes + charge(account) > most) throw tooMuch(whose, most);
      }
      connections.set(connection, ofConnection);
      clients.set(client, ofClient);
      const accounts = [ofConnection, ofClient, all];
      for (const account of accounts) {
        account.bytes += charge(account);
        account.documents.set(document, (account.documents.get(document) ?? 0) + 1);
      }
      const held = documents.hold(document);
      let over = false;
      return {
        [Symbol.dispose]() {
          if (over) return;
          over = true;
          for (const account of accounts) {
            const times = (account.documents.get(document) ?? 0) - 1;
            if (times > 0) account.documents.set(document, times);
            else account.documents.delete(document);
            account.bytes -= charge(account);
          }
          if (ofClient.documents.size === 0) clients.delete(client);
          held[Symbol.dispose]();
        },
      };
    },
  };
}

function tooMuch(whose: string, most: number): GatewayError {
  const message = `Open operations ${whose} hold ${most / MEBIBYTE} MiB already: complete some, or send shorter ones.`;
  return new GatewayError(message, { code: 'LIMIT_EXCEEDED' });
}

/** Bytes that a JSON value takes in memory, rather too many. Throws BAD_USER_INPUT where it nests too deeply. */
function weigh(value: unknown, levels: number): number {
  if (typeof value === 'string') return 32 + 2 * value.length;
  if (typeof value !== 'object' || value === null) return 16;
  if (levels === 0) {
    throw badInput([{ path: ['variables'], message: `expected at most ${MAX_LEVELS} levels`, code: 'too_deep' }]);
  }
  let bytes = 64;
  if (Array.isArray(value)) for (const item of value) bytes += 8 + weigh(item, levels - 1);
  // A name that no other object has makes a form of its own.
  else for (const [name, item] of Object.entries(value)) bytes += 100 + 2 * name.length + weigh(item, levels - 1);
  return bytes;
}
