import { z } from 'zod';
import { type FaultHandle, faultPatchSchema } from '../faults.ts';
import { json, jsonBody } from './exchange.ts';
import type { Routes } from './router.ts';

/** What `GET /simulator` answers, for tests and benchmarks that run the simulator in another process. */
export interface Counters {
  /** Accepted POST /prompt. */
  posts: number;
  /** Ids in the order of acceptance, repeated ones included. */
  promptIds: string[];
  /** Ids in the order of their start. */
  started: string[];
  /** Nodes that ran; cached ones do not count. */
  nodesRun: number;
  /** Interrupts that were requested. */
  interrupts: number;
}

/** /simulator and /simulator/faults, which a real ComfyUI does not have. */
export function controlRoutes(faults: FaultHandle, counters: () => Counters): Routes {
  return [
    { method: 'GET', path: '/simulator', only: 'bare', handle: () => json(counters()) },
    { method: 'GET', path: '/simulator/faults', only: 'bare', handle: () => json(faults.current) },
    {
      method: 'POST',
      path: '/simulator/faults',
      only: 'bare',
      async handle(exchange) {
        let body: unknown;
        try {
          body = await jsonBody(exchange);
        } catch (error) {
          if (error instanceof SyntaxError) return json({ error: 'the body is not JSON' }, 400);
          throw error;
        }
        const patch = faultPatchSchema.safeParse(body);
        if (!patch.success) return json({ error: z.prettifyError(patch.error) }, 400);
        faults.set(patch.data);
        return json(faults.current);
      },
    },
  ];
}
