import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { FaultHandle } from './faults.ts';
import { serverFeatures } from './protocol/features.ts';
import { isRecord, toJson } from './protocol/json.ts';

/** The sockets, and which of them gets which message. All messages are in one order. */
export interface MessageHub {
  /** Takes a connected socket; `requestedId` is its `clientId`. */
  connect(socket: WebSocket, requestedId: string): void;
  /** The client of the prompt that runs or ran last; undefined if it named none. */
  client: string | undefined;
  /** The node that runs, which its client is sent when it reconnects. */
  currentNode: string | undefined;
  /** To the running prompt's client only; without one, to no socket. */
  direct(type: string, data: Record<string, unknown>): void;
  /** To the running prompt's client; without one, to every socket. */
  publish(type: string, data: Record<string, unknown>): void;
  /** To every socket. */
  broadcast(type: string, data: Record<string, unknown>): void;
  wantsPreviewMetadata(): boolean;
  publishPreview(image: PreviewImage, metadata: Record<string, unknown> | undefined): void;
  /** A progress text frame, to every socket. */
  publishText(nodeId: string, text: string): void;
  /** Breaks every connection without a closing handshake: clients see 1006. */
  terminateAll(): void;
  /** Open connections. */
  count(): number;
}

interface Peer {
  socket: WebSocket;
  flags: Record<string, unknown>;
}

const finalTypes = new Set(['execution_success', 'execution_error', 'execution_interrupted']);

export function createMessageHub(remaining: () => number, faults: FaultHandle): MessageHub {
  /** By client id. A new socket replaces an older one of the same id. */
  const peers = new Map<string, Peer>();
  const sockets = new Set<WebSocket>();

  function transmit(socket: WebSocket, payload: string | Buffer, isGreeting = false): void {
    if (faults.current.socketSilent || (faults.current.socketDeaf && !isGreeting)) return;
    const delayMs = faults.current.messageDelayMs;
    const send = (): void => {
      if (socket.readyState === socket.OPEN) socket.send(payload);
    };
    if (delayMs > 0) setTimeout(send, delayMs).unref();
    else send();
  }

  function toOne(id: string, payload: string | Buffer): void {
    const peer = peers.get(id);
    if (peer) transmit(peer.socket, payload);
  }

  function toAll(payload: string | Buffer): void {
    for (const peer of peers.values()) transmit(peer.socket, payload);
  }

  function isLost(type: string, data: Record<string, unknown>): boolean {
    if (!faults.current.loseFinalMessages) return false;
    return finalTypes.has(type) || (type === 'executing' && data.node === null);
  }

  function readFlags(id: string, data: Buffer): boolean {
    let message: unknown;
    try {
      message = JSON.parse(data.toString());
    } catch {
      return false; // Only the first JSON message may negotiate, and this is none.
    }
    const peer = peers.get(id);
    if (isRecord(message) && message.type === 'feature_flags' && peer) {
      peer.flags = isRecord(message.data) ? message.data : {};
      toOne(id, toJson({ type: 'feature_flags', data: serverFeatures }));
    }
    return true;
  }

  const hub: MessageHub = {
    client: undefined,
    currentNode: undefined,
    connect(socket, requestedId) {
      const id = requestedId || randomUUID().replaceAll('-', '');
      peers.delete(id);
      peers.set(id, { socket, flags: {} });
      sockets.add(socket);
      let negotiated = false;
      socket.on('message', (data: Buffer, isBinary) => {
        if (!negotiated && !isBinary) negotiated = readFlags(id, data);
      });
      socket.on('error', () => socket.terminate());
      socket.on('close', () => {
        sockets.delete(socket);
        // As in ComfyUI, the id is removed even when a newer socket has it, which then gets no further message.
        peers.delete(id);
      });
      const status = { exec_info: { queue_remaining: remaining() } };
      transmit(socket, toJson({ type: 'status', data: { status, sid: id } }), true);
      if (hub.client === id && hub.currentNode !== undefined) {
        toOne(id, toJson({ type: 'executing', data: { node: hub.currentNode } }));
      }
    },
    direct(type, data) {
      if (hub.client !== undefined && peers.has(hub.client) && !isLost(type, data)) {
        toOne(hub.client, toJson({ type, data }));
      }
    },
    publish(type, data) {
      if (peers.size === 0 || isLost(type, data)) return;
      if (hub.client === undefined) toAll(toJson({ type, data }));
      else if (peers.has(hub.client)) toOne(hub.client, toJson({ type, data }));
    },
    broadcast(type, data) {
      if (peers.size > 0) toAll(toJson({ type, data }));
    },
    wantsPreviewMetadata() {
      return hub.client !== undefined && peers.get(hub.client)?.flags.supports_preview_metadata === true;
    },
    publishPreview(image, metadata) {
      const payload = metadata ? framedPreview(image, metadata) : plainPreview(image);
      if (hub.client === undefined) toAll(payload);
      else toOne(hub.client, payload);
    },
    publishText(nodeId, text) {
      const id = Buffer.from(nodeId);
      toAll(Buffer.concat([words(3, id.length), id, Buffer.from(text)]));
    },
    terminateAll() {
      for (const socket of sockets) socket.terminate();
    },
    count: () => sockets.size,
  };
  return hub;
}

function words(...numbers: number[]): Buffer {
  const buffer = Buffer.alloc(numbers.length * 4);
  for (const [i, number] of numbers.entries()) buffer.writeUInt32BE(number, i * 4);
  return buffer;
}

/** Event type 1: image format (1 JPEG, 2 PNG), then the picture. */
function plainPreview(image: PreviewImage): Buffer {
  return Buffer.concat([words(1, image.format === 'png' ? 2 : 1), image.bytes]);
}

/** Event type 4: length of the metadata, the metadata, then the picture. */
function framedPreview(image: PreviewImage, metadata: Record<string, unknown>): Buffer {
  const text = Buffer.from(toJson(metadata));
  return Buffer.concat([words(4, text.length), text, image.bytes]);
}

/** A picture that goes with a progress report. */
export interface PreviewImage {
  format: 'png' | 'jpeg';
  bytes: Buffer;
}
