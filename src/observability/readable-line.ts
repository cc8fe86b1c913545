import { prettyFactory } from 'pino-pretty';

const prettify = prettyFactory({ colorize: process.stderr.isTTY === true, ignore: 'pid,hostname' });

/** Turns a line of the log, which is JSON, into what a person reads. */
export function readableLine(json: string): string {
  return prettify(withoutControls(json));
}

const STACK = /("stack":"(?:[^"\\]|\\.)*")/;
const ESCAPES = /\\(u00[01][0-9a-f]|[nrbf])|\\./gi;
const RAW = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Keeps control characters escaped that pino-pretty would write to the terminal as they are, so that logged text cannot
 * control the terminal. Only the newlines of a stack remain, since pino-pretty indents its lines.
 */
function withoutControls(json: string): string {
  const parts = json.split(STACK).map((part, i) => {
    const isStack = i % 2 === 1;
    return part.replace(ESCAPES, (whole, control?: string) =>
      control && !(isStack && control === 'n') ? `\\\\${control}` : whole,
    );
  });
  const escaped = (character: string) => `\\\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return parts.join('').replace(RAW, escaped);
}
