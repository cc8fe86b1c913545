import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { StorageError } from '../artifact-store.ts';
import { CONTINUE_TIMEOUT_MS } from '../expect-continue.ts';

export interface ExchangeSettings {
  agent: http.Agent;
  /** Until a connection stands. */
  connectMs: number;
  /** Without a byte in either direction. */
  idleMs: number;
  /** Asks the server whether it wants the body before it is sent, so that a refusal can be read, not a reset. */
  expectContinue: boolean;
}

type Listener = (response: IncomingMessage) => void;

/**
 * One HTTP exchange, offered to the minio client as its transport and tied to timeouts and to one abort signal. By
 * itself the client has neither.
 */
export function createExchange(settings: ExchangeSettings) {
  const controller = new AbortController();
  const bodyWanted = Promise.withResolvers<boolean>();
  if (!settings.expectContinue) bodyWanted.resolve(true);
  let sent: ClientRequest | undefined;
  let response: IncomingMessage | undefined;
  let stale = false;

  function fail(why: string): void {
    controller.abort(new StorageError('unavailable', `the S3 server: ${why}`));
  }

  function request(
    target: RequestOptions | string | URL,
    second?: RequestOptions | Listener,
    third?: Listener,
  ): ClientRequest {
    if (typeof target === 'string' || target instanceof URL || typeof second !== 'function' || third) {
      throw new TypeError('the minio client passes options and a listener');
    }
    const send = target.protocol === 'https:' ? https.request : http.request;
    // Not signed, unlike what the client itself is given: proxies may answer and remove it.
    const headers = settings.expectContinue ? { ...target.headers, expect: '100-continue' } : { ...target.headers };
    const { agent, idleMs: timeout } = settings;
    sent = send({ ...target, headers, agent, timeout, signal: controller.signal }, (answer) => {
      response = answer;
      second(answer);
    });
    watch(sent);
    return sent;
  }

  function watch(request: ClientRequest): void {
    const connecting = setTimeout(() => fail('no connection in time'), settings.connectMs);
    const impatient = setTimeout(() => {
      if (response === undefined) bodyWanted.resolve(true);
    }, settings.connectMs + CONTINUE_TIMEOUT_MS);
    request.once('socket', (socket) => {
      if (!socket.connecting) clearTimeout(connecting);
      else socket.once('connect', () => clearTimeout(connecting));
    });
    request.once('timeout', () => fail('no byte for too long'));
    request.once('continue', () => bodyWanted.resolve(true));
    request.once('error', (error) => {
      stale = request.reusedSocket && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
    });
    request.once('close', () => {
      clearTimeout(connecting);
      clearTimeout(impatient);
      bodyWanted.resolve(false);
    });
  }

  return {
    request,
    fail,
    abort: (reason?: unknown) => controller.abort(reason),
    /** Aborts when the exchange is to end: called off, timed out or failed. */
    signal: controller.signal,
    /** True when the server wants the body; false when the exchange is over and it never will. */
    bodyWanted: bodyWanted.promise,
    /** The answer's status once it has begun; what of the body is not sent by then is not wanted. */
    status: () => response?.statusCode,
    /** Everything was sent and read, so that the connection is free for the next exchange. */
    complete: () => response?.complete === true && sent?.writableEnded === true,
    /** The server closed a kept connection just as it was used again: nothing was wrong with the request. */
    stale: () => stale,
  };
}

export type Exchange = ReturnType<typeof createExchange>;
