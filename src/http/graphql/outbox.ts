import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { textFrame } from './text-frame.ts';

/** What waits for one socket: answers that its client has not taken, and messages of it that nobody has looked at. */
export interface Outbox {
  /** Resolves when the bytes are with the operating system, or the socket has gone. */
  send(text: string): Promise<void>;
  /**
   * Sends one message that is `head`, `body` and `tail` one behind the other. Undefined: its bytes are with the
   * operating system already, or the socket has gone; else as `send`.
   */
  sendParts(head: string, body: Buffer, tail: string): Promise<void> | undefined;
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

/** All that waits, and for whom. */
interface Books {
  clients: Map<string, Client>;
  total: number;
}

/** `onCut` is called for each socket that is cut. */
export function createOutboxes(log: Logger, onCut: () => void = () => undefined): Outboxes {
  const books: Books = { clients: new Map(), total: 0 };
  const noteCut = (bytes: number) => {
    log.debug({ bytes }, 'a socket was cut: its client does not take what it has asked for');
    onCut();
  };
  return { open: (socket, connection, client) => new SocketOutbox(books, noteCut, socket, connection, client) };
}

/** A class, since there are many thousand: methods that are closures would take several times as much. */
class SocketOutbox implements Outbox, Account {
  bytes = 0;
  readonly #books: Books;
  readonly #noteCut: (bytes: number) => void;
  readonly #socket: WebSocket;
  readonly #connection: Duplex;
  #name: string;
  #own: Client;

  constructor(books: Books, noteCut: (bytes: number) => void, socket: WebSocket, connection: Duplex, client: string) {
    this.#books = books;
    this.#noteCut = noteCut;
    this.#socket = socket;
    this.#connection = connection;
    this.#name = client;
    this.#own = this.#enter();
    connection.on('timeout', () => this.cut());
    socket.once('close', () => this.#close());
  }

  send(text: string): Promise<void> {
    return new Promise((resolve) => {
      // What cannot be sent is not missed: the socket is on its way out, which ends its operations.
      if (this.#socket.readyState !== this.#socket.OPEN) return resolve();
      const bytes = Buffer.byteLength(text) + FRAME_BYTES;
      this.#count(bytes);
      this.#socket.send(text, () => {
        this.#count(-bytes);
        resolve();
      });
    });
  }

  sendParts(head: string, body: Buffer, tail: string): Promise<void> | undefined {
    if (this.#socket.readyState !== this.#socket.OPEN) return undefined;
    const frame = textFrame(head, body, tail);
    const out = Promise.withResolvers<void>();
    // Past ws, which would make two writes of it: without compression nothing waits in ws.
    this.#connection.write(frame, () => out.resolve());
    if (this.#connection.writableLength === 0) return undefined;
    const bytes = frame.length + FRAME_BYTES;
    this.#count(bytes);
    return out.promise.then(() => this.#count(-bytes));
  }

  pong(data: Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const bytes = data.length + FRAME_BYTES;
    this.#count(bytes);
    this.#socket.pong(data, false, () => this.#count(-bytes));
  }

  received(length: number): Disposable {
    const bytes = length + FRAME_BYTES;
    this.#count(bytes);
    return { [Symbol.dispose]: () => this.#count(-bytes) };
  }

  moveTo(client: string): void {
    if (!this.#leave()) return;
    this.#name = client;
    this.#own = this.#enter();
  }

  cut(): void {
    const { bytes } = this;
    this.#close();
    this.#noteCut(bytes);
    this.#socket.terminate();
  }

  #enter(): Client {
    const { clients } = this.#books;
    const present = clients.get(this.#name) ?? { bytes: 0, accounts: new Set() };
    clients.set(this.#name, present);
    present.accounts.add(this);
    present.bytes += this.bytes;
    return present;
  }

  /** False: it has been closed. */
  #leave(): boolean {
    if (!this.#own.accounts.delete(this)) return false;
    this.#own.bytes -= this.bytes;
    if (this.#own.accounts.size === 0) this.#books.clients.delete(this.#name);
    return true;
  }

  #close(): void {
    // What is called back later finds that it is closed.
    if (this.#leave()) this.#books.total -= this.bytes;
  }

  #count(bytes: number): void {
    if (!this.#own.accounts.has(this)) return;
    this.bytes += bytes;
    this.#own.bytes += bytes;
    this.#books.total += bytes;
    if (this.bytes > MAX_WAITING_BYTES && !this.#socket.isPaused) {
      this.#socket.pause();
      this.#still(STILL_MS);
    } else if (this.bytes <= MAX_WAITING_BYTES / 2 && this.#socket.isPaused) {
      this.#socket.resume();
      this.#still(0);
    }
    if (this.#books.total > MAX_TOTAL_BYTES) largest(largest(this.#books.clients.values())?.accounts ?? [])?.cut();
  }

  /** Has it cut where no byte of what waits has moved for so long: only then does Node tell of a timeout. */
  #still(ms: number): void {
    if (this.#connection instanceof Socket) this.#connection.setTimeout(ms);
  }
}

function largest<T extends { bytes: number }>(all: Iterable<T>): T | undefined {
  let most: T | undefined;
  for (const each of all) if (each.bytes > (most?.bytes ?? 0)) most = each;
  return most;
}
