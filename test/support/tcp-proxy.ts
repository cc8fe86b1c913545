import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { onFreePort } from './free-port.ts';

/** A proxy before a server on 127.0.0.1 that can break connections. Its port stays the same as long as it lives. */
export interface TcpProxy {
  readonly port: number;
  /** Resets all open connections. */
  cut(): void;
  /** Resets all connections and refuses new ones. */
  refuse(): Promise<void>;
  /** Accepts connections again. */
  accept(): Promise<void>;
  /**
   * While on, accepts connections and bytes and forwards nothing in either direction. When switched off, it forwards
   * them.
   */
  blackHole(on: boolean): void;
  /**
   * Forwards nothing any more of the connections that are open now, and does not close them, like a firewall that has
   * forgotten them. New ones work.
   */
  strand(): void;
  /**
   * Holds back the next request that contains this text, and everything that its connection sends after it. Resolves
   * when that has happened, with a function that forwards it.
   */
  holdRequest(text: string): Promise<() => void>;
  /** Forwards the next request that contains this text, resets its connection instead of a reply, and then resolves. */
  loseReplyTo(text: string): Promise<void>;
  close(): Promise<void>;
}

interface Wire {
  /** Whether it forwards nothing any more. */
  stranded: boolean;
  cut(): void;
  /** Forwards the bytes that may be forwarded now. */
  flow(): void;
}

interface Rule {
  text: string;
  strikes(wire: Wire, control: WireControl): void;
}

interface WireControl {
  held: boolean;
  deaf: boolean;
}

/** The end of the last chunk is kept, so that a text that is split between two chunks is found. */
const OVERLAP = 200;

/** Starts a proxy to a port of 127.0.0.1. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const wires = new Set<Wire>();
  const rules = new Set<Rule>();
  let blackHole = false;
  const server = createServer((client) => connect(client));

  function connect(client: Socket) {
    const upstream = dial(targetPort, '127.0.0.1');
    const control: WireControl = { held: false, deaf: false };
    const requests: Buffer[] = [];
    const replies: Buffer[] = [];
    let tail = '';

    const wire: Wire = {
      stranded: false,
      cut() {
        wires.delete(wire);
        client.resetAndDestroy();
        upstream.resetAndDestroy();
      },
      flow() {
        if (blackHole || wire.stranded) return;
        while (!control.held && requests.length > 0) upstream.write(requests.shift() ?? '');
        while (replies.length > 0) client.write(replies.shift() ?? '');
      },
    };
    wires.add(wire);

    function request(chunk: Buffer) {
      const text = tail + chunk.toString('latin1');
      tail = text.slice(-OVERLAP);
      for (const rule of rules) {
        if (!text.includes(rule.text)) continue;
        rules.delete(rule);
        rule.strikes(wire, control);
      }
      requests.push(chunk);
      wire.flow();
    }

    client.on('data', request);
    upstream.on('data', (chunk) => {
      if (control.deaf) return wire.cut();
      replies.push(chunk);
      wire.flow();
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      // An error of one side must break the other side, too; 'close' follows every error and does so.
      socket.on('error', () => undefined);
      socket.on('end', () => other.end());
      socket.on('close', () => {
        wires.delete(wire);
        other.destroy();
      });
    }
  }

  async function listen(port: number) {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return port;
  }

  async function accept() {
    if (!server.listening) await listen(port);
  }

  async function refuse() {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const wire of [...wires]) wire.cut();
    await closed;
  }

  const port = await onFreePort(listen);
  return {
    port,
    cut() {
      for (const wire of [...wires]) wire.cut();
    },
    refuse,
    accept,
    blackHole(on: boolean) {
      blackHole = on;
      for (const wire of wires) wire.flow();
    },
    strand() {
      for (const wire of wires) wire.stranded = true;
    },
    holdRequest: (text: string) =>
      new Promise<() => void>((resolve) => {
        rules.add({
          text,
          strikes(wire, control) {
            control.held = true;
            resolve(() => {
              control.held = false;
              wire.flow();
            });
          },
        });
      }),
    loseReplyTo: (text: string) =>
      new Promise<void>((resolve) => {
        rules.add({
          text,
          strikes(_wire, control) {
            control.deaf = true;
            resolve();
          },
        });
      }),
    close: refuse,
  };
}
