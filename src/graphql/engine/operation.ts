import type { ExecutionArgs } from 'graphql';
import { GatewayError } from '../../core/errors.ts';

/** One operation: `variableValues` as they were sent, `contextValue` a GraphContext. */
export type Operation = Omit<ExecutionArgs, 'schema'>;

/** One that is refused: `document` and `operationName` where they are known by then. */
export interface RefusedOperation extends Partial<Pick<Operation, 'document' | 'operationName'>> {
  requestId: string | undefined;
}

/** Aborted when the client has left, or with the error that it is told, when its key or token has ended. */
export function signalIn({ contextValue }: Operation): AbortSignal | undefined {
  const known = typeof contextValue === 'object' && contextValue !== null && 'signal' in contextValue;
  return known && contextValue.signal instanceof AbortSignal ? contextValue.signal : undefined;
}

/** Why it ends, where that is not its client's wish; else null. */
export function endOf(operation: Operation): GatewayError | null {
  const reason: unknown = signalIn(operation)?.reason;
  return reason instanceof GatewayError ? reason : null;
}

/** Whom what it holds is counted against. */
export function clientIn({ contextValue }: Operation): string {
  const known = typeof contextValue === 'object' && contextValue !== null && 'client' in contextValue;
  return known && typeof contextValue.client === 'string' ? contextValue.client : '';
}

/** Resolves when it is its client's turn on the event loop, or at once where it takes none. */
export async function turnOf({ contextValue }: Operation): Promise<void> {
  const known = typeof contextValue === 'object' && contextValue !== null && 'turn' in contextValue;
  if (known && typeof contextValue.turn === 'function') await contextValue.turn();
}

export function requestIdIn({ contextValue }: Operation): string | undefined {
  const known = typeof contextValue === 'object' && contextValue !== null && 'requestId' in contextValue;
  return known && typeof contextValue.requestId === 'string' ? contextValue.requestId : undefined;
}
