import type { IncomingMessage } from 'node:http';
import { HttpFault } from './reply.ts';

/** What an answer can be written as. */
const PRODUCED = ['application/json', 'application/graphql-response+json', 'text/event-stream', 'multipart/mixed'];

/** 406 with what was expected, which Yoga does not say. */
export function notAcceptable(): HttpFault {
  const types = 'application/json or application/graphql-response+json, for a subscription text/event-stream';
  return new HttpFault(406, 'BAD_REQUEST', `Expected Accept: ${types}.`);
}

function fits(range: string, type: string): boolean {
  const [main, sub] = type.split('/');
  const [wantedMain, wantedSub] = range.split('/');
  return (wantedMain === '*' || wantedMain === main) && (wantedSub === '*' || wantedSub === sub);
}

/** Throws 406 before anything is executed for a client that would take no form of its answer. Yoga looks only afterwards. */
export function checkAccept({ headers: { accept } }: IncomingMessage): void {
  if (!accept) return;
  const ranges = accept.toLowerCase().replace(/\s/g, '').split(',');
  const acceptable = ranges.some((range) => {
    const [type = '', ...parameters] = range.split(';');
    const charset = parameters.find((parameter) => parameter.includes('charset='));
    return (charset ?? 'charset=utf-8') === 'charset=utf-8' && PRODUCED.some((produced) => fits(type, produced));
  });
  if (!acceptable) throw notAcceptable();
}
