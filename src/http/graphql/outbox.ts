import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';

/** What waits for one socket: answers that its client has not taken, and messages of it that nobody has looked at. */
export interface Outbox {
  /** Resolves when the bytes are with the operating system, or the socket has gone. */
  send(text: string): Promise<void>;
  pong(data: Buffer): void;
  /** Counts a message that has come, until it is disposed of. */
  received(bytes: number): Disposable;
  /** Counts all that waits against this client from now on. */
  moveTo(client: string): void;
}

export interface Outboxes {
  /**
   * `connection`: what the socket was made of; `client`: whom it is counted against. Closes itself with the socket.
   */
  open(socket: WebSocket, connection: Duplex, client: string): Outbox;
}

/** Added for each frame: what Node and ws keep for one that waits, measured with pongs of 17 bytes. */
const FRAME_BYTES = 1_024;
/** Above it nothing more is read from the socket, until half of it is left. A page of jobs has a tenth of it. */
const MAX_WAITING_BYTES = 1024 * 1024;
/**
 * Above it a socket is cut: of the client for which most waits the one with the most, so that many of one client, each
 * with little, cost no other client's.
 */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024;
/** A socket that is not read from is cut when its client takes no byte for so long. */
const STILL_MS = 10_000;

/** How much waits for a socket, and how it is cut. */
interface Account {
  bytes: number;
  cut(): void;
}

/** How much waits for a client, and its sockets. */
interface Client {
  bytes: number;
  accounts: Set<Account>;
}

/** `onCut` is called for each socket that is cut. */
export function createOutboxes(log: Logger, onCut: () => void = () => undefined): Outboxes {
  const clients = new Map<string, Client>();
  let total = 0;

  return {
    open(socket, connection, client) {
      const account: Account = { bytes: 0, cut };
      let name = client;
      let own = enter();

      function enter(): Client {
        const present = clients.get(name) ?? { bytes: 0, accounts: new Set() };
        clients.set(name, present);
        present.accounts.add(account);
        present.bytes += account.bytes;
        return present;
      }
      /** False: it has been closed. */
      function leave(): boolean {
        if (!own.accounts.delete(account)) return false;
        own.bytes -= account.bytes;
        if (own.accounts.size === 0) clients.delete(name);
        return true;
      }
      function add(bytes: number): void {
        account.bytes += bytes;
        own.bytes += bytes;
        total += bytes;
      }
      function close(): void {
        // What is called back later finds that it is closed.
        if (leave()) total -= account.bytes;
      }
      function cut(): void {
        log.debug({ bytes: account.bytes }, 'a socket was cut: its client does not take what it has asked for');
        close();
        onCut();
        socket.terminate();
      }
      const still = (ms: number) => {
        // Node calls it only where no byte of what waits has moved for so long.
        if (connection instanceof Socket) connection.setTimeout(ms);
      };
      connection.on('timeout', cut);
      socket.once('close', close);

      function count(bytes: number): void {
        if (!own.accounts.has(account)) return;
        add(bytes);
        if (account.bytes > MAX_WAITING_BYTES && !socket.isPaused) {
          socket.pause();
          still(STILL_MS);
        } else if (account.bytes <= MAX_WAITING_BYTES / 2 && socket.isPaused) {
          socket.resume();
          still(0);
        }
        if (total > MAX_TOTAL_BYTES) largest(largest(clients.values())?.accounts ?? [])?.cut();
      }

      return {
        send: (text) =>
          new Promise((resolve) => {
            // What cannot be sent is not missed: the socket is on its way out, which ends its operations.
            if (socket.readyState !== socket.OPEN) return resolve();
            const bytes = Buffer.byteLength(text) + FRAME_BYTES;
            count(bytes);
            socket.send(text, () => {
              count(-bytes);
              resolve();
            });
          }),
        pong(data) {
          if (socket.readyState !== socket.OPEN) return;
          const bytes = data.length + FRAME_BYTES;
          count(bytes);
          socket.pong(data, false, () => count(-bytes));
        },
        received(length) {
          const bytes = length + FRAME_BYTES;
          count(bytes);
          return { [Symbol.dispose]: () => count(-bytes) };
        },
        moveTo(next) {
          if (!leave()) return;
          name = next;
          own = enter();
        },
      };
    },
  };
}

function largest<T extends { bytes: number }>(all: Iterable<T>): T | undefined {
  let most: T | undefined;
  for (const each of all) if (each.bytes > (most?.bytes ?? 0)) most = each;
  return most;
}
