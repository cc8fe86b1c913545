import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { onFreePort } from './free-port.ts';

/** A wire that can be broken, in front of a server on loopback. Its port stays the same for its whole life. */
export interface TcpProxy {
  readonly port: number;
  /** Resets all connections there are. */
  cut(): void;
  /** Resets all connections and refuses new ones. */
  refuse(): Promise<void>;
  /** Takes connections again. */
  accept(): Promise<void>;
  /** Takes connections and bytes and passes nothing on, either way; what was taken is passed on when it is switched off. */
  blackHole(on: boolean): void;
  /**
   * The next request with this text in it, and all that its connection sends behind it, is kept back. Resolves when that has
   * happened, with a way to let it pass.
   */
  holdRequest(text: string): Promise<() => void>;
  /** The next request with this text in it is passed on, and its connection reset instead of a reply. Resolves upon that. */
  loseReplyTo(text: string): Promise<void>;
  close(): Promise<void>;
}

interface Wire {
  cut(): void;
  /** Passes on what was kept back, as far as it may go. */
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

/** A text that two chunks share is still found. */
const OVERLAP = 200;

/** Starts a proxy to a port on loopback. */
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
      cut() {
        wires.delete(wire);
        client.resetAndDestroy();
        upstream.resetAndDestroy();
      },
      flow() {
        if (blackHole) return;
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
      // A broken connection ends the other half just so; 'close' follows every error.
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
