import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import Negotiator from 'negotiator';
import { HttpFault } from '../reply.ts';

export const EVENT_STREAM = 'text/event-stream; charset=utf-8';
export const PLAIN_JSON = 'application/json; charset=utf-8';
export const JSON_TYPES: readonly string[] = [PLAIN_JSON, 'application/graphql-response+json; charset=utf-8'];
/** What an answer can be written as, the usual one first. */
const PRODUCED = [...JSON_TYPES, EVENT_STREAM, 'multipart/mixed; charset=utf-8'];

/** Browsers' are the longest, of some 150 characters. What is beyond would only cost time. */
const MAX_ACCEPT_CHARACTERS = 1_000;
/** Parameters of a media type by which no answer differs, such as those of incremental delivery (`deferSpec`). */
const OTHER_PARAMETERS = /;(?!\s*(?:q|charset)\s*=)[^;,]*/gi;
/** Nearly all clients send one of a dozen headers: what one comes to is found out once. */
const MAX_KEPT = 100;

/**
 * Finds the types that the client takes, in the order in which it prefers them. Throws 406 where there is none, before
 * anything is executed: Yoga looks only afterwards.
 */
export function createAcceptableTypes(): (req: Pick<IncomingMessage, 'headers'>) => readonly string[] {
  const kept = new LRUCache<string, readonly string[]>({ max: MAX_KEPT });
  return ({ headers }) => {
    const sent = (headers.accept || '*/*').slice(0, MAX_ACCEPT_CHARACTERS);
    const known = kept.get(sent);
    if (known) return known;
    const accept = sent.replace(OTHER_PARAMETERS, '');
    const types = new Negotiator({ headers: { accept } }).mediaTypes(PRODUCED);
    if (types.length === 0) throw notAcceptable();
    kept.set(sent, types);
    return types;
  };
}

/** 406 with what was expected, which Yoga does not say. */
export function notAcceptable(): HttpFault {
  const types = 'application/json or application/graphql-response+json, for a subscription text/event-stream';
  return new HttpFault(406, 'BAD_REQUEST', `Expected Accept: ${types}.`);
}
