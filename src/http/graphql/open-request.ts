import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Turns } from '../../async/turns.ts';
import type { Sessions } from '../../callers/sessions.ts';
import { unauthenticated } from '../../core/errors.ts';
import type { Budget, Budgets } from '../../graphql/engine/budgets.ts';
import type { Sender } from '../identify.ts';
import { followLasting } from '../lasting.ts';
import { tooMuchWaits } from '../reply.ts';
import { readJsonText } from './json-body.ts';

export interface OpenRequestOptions {
  budgets: Budgets;
  turns: Turns;
  /** Tells when what somebody has open is to end. Default: it never is. */
  sessions?: Sessions | undefined;
  /** The longest body of a POST. */
  maxBodyBytes: number;
}

/** A request that somebody may make, until it is answered or its client has left. */
export interface OpenRequest {
  /** Aborted when the client has left, with no reason, and when its key or token has ended, with the error for it. */
  over: AbortController;
  budget: Budget;
  /** The body of a POST, null of another method. */
  text: string | null;
  /** Resolves when it is the client's turn for what takes time. */
  turn(): Promise<void>;
}

/**
 * Counts a request against its sender until its answer is out, and reads its body, and waits for the sender's turn.
 * Resolves with null where the client has left. Rejects with HttpFault.
 */
export function createOpenRequest({ budgets, turns, sessions: all, maxBodyBytes }: OpenRequestOptions) {
  const sessions = all && followLasting(all);

  return async (
    req: IncomingMessage,
    res: ServerResponse,
    { client, identity, body }: Pick<Sender, 'client' | 'identity'> & { body?: string | undefined },
  ): Promise<OpenRequest | null> => {
    const over = new AbortController();
    const budget = budgets.open(client);
    const session = sessions?.follow(identity, () => over.abort(unauthenticated()));
    res.once('close', () => {
      budget[Symbol.dispose]();
      session?.[Symbol.dispose]();
      if (!res.writableFinished) over.abort();
    });
    const turn = () => turns.take(client, req.socket);
    if (body !== undefined && !budget.keep(body.length)) throw tooMuchWaits();
    const text = req.method === 'POST' ? (body ?? (await readJsonText(req, maxBodyBytes, budget))) : null;
    await turn();
    return res.destroyed ? null : { over, budget, text, turn };
  };
}
