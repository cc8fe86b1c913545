import type { Logger } from 'pino';
import type { BackendReport } from '../../src/backends/backends.ts';
import type { NodeDefinitionsPublisher } from '../../src/backends/node-definitions.ts';
import { type ComfyClient, createComfyClient } from '../comfyui/client.ts';
import { createComfyHttp } from '../comfyui/http.ts';
import { openComfySocket } from '../comfyui/socket.ts';
import type { Backend } from './backend.ts';
import { type Monitor, startMonitor } from './monitor.ts';
import { createStallWatch, type StallOptions } from './stall-watch.ts';

export interface ConnectOptions {
  name: string;
  url: string;
  clientId: string;
  modelInputs: () => string[];
  nodeDefinitionsPublisher: NodeDefinitionsPublisher;
  intervalMs: number;
  /** How long a server may seem not to work until it counts as stalled. */
  stall: StallOptions;
  log: Logger;
  random: () => number;
  /** Called at each turn of the loop that looks at it. */
  onTurn(): void;
  /** Called after each look at it, never before `connectBackend` has returned. */
  onSeen(report: BackendReport, stalled: boolean): void;
}

export interface ConnectedBackend {
  backend: Backend;
  monitor: Monitor;
  /** Another worker has found that this prompt does not end there. */
  foundStuck(promptId: string): void;
  close(): Promise<void>;
}

/** Everything between this worker and one ComfyUI: requests, the socket, and the look at it every two seconds. */
export function connectBackend(options: ConnectOptions): ConnectedBackend {
  const { name, url, clientId, modelInputs, nodeDefinitionsPublisher, intervalMs, log, random, onTurn, onSeen } =
    options;
  const http = createComfyHttp(url);
  const stalls = createStallWatch(options.stall);
  const calls = createComfyClient(http);
  const client: ComfyClient = {
    ...calls,
    async cancel(promptId, signal) {
      await calls.cancel(promptId, signal);
      stalls.cancelled(promptId);
    },
  };
  const socket = openComfySocket({ url, clientId, log, random });
  const { publish } = nodeDefinitionsPublisher;
  const monitor = startMonitor({ name, client, stalls, modelInputs, publish, log, onTurn, onSeen, intervalMs });

  let openedBefore = false;
  const openings = socket.onOpen(() => {
    // A socket that comes back may have come back to another version with other nodes.
    if (openedBefore) monitor.recheck();
    openedBefore = true;
  });

  return {
    backend: {
      name,
      client,
      socket,
      socketAs: (id) => openComfySocket({ url, clientId: id, log, random }),
      outputClasses: () => monitor.outputClasses,
      nodeDefinitions: () => monitor.nodeDefinitions,
    },
    monitor,
    foundStuck: stalls.foundStuck,
    async close() {
      openings[Symbol.dispose]();
      await Promise.all([monitor.close(), socket.close()]);
      await http.close();
    },
  };
}
