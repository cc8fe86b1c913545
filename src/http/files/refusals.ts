import type { ServerResponse } from 'node:http';

/** Why a file is not given or taken: the status, and the line that says so. */
const REFUSALS = {
  tooShort: [400, 'The body is shorter than the file that was announced.'],
  anotherFile: [400, 'The body is not the file that was announced.'],
  invalidAddress: [403, 'This address is not valid, or no longer.'],
  absent: [404, 'There is nothing here, or no longer.'],
  onlyReads: [405, 'Only GET and HEAD.'],
  onlyReadsAndPuts: [405, 'Only GET, HEAD and PUT.'],
  tooSlow: [408, 'The body took too long.'],
  taken: [409, 'A file has been put here already; for another one ask for a new address.'],
  lengthRequired: [411, 'Expected a Content-Length.'],
  tooLong: [413, 'The body is longer than the file that was announced.'],
  anotherType: [415, 'Expected the Content-Type that was announced.'],
  noSuchRange: [416, 'The file has no such range.'],
  tooManyOfClient: [429, 'Too many files are being sent from your address; try again.'],
  tooManyDownloads: [429, 'Too many files are on their way to your address; try again.'],
  unreadable: [500, 'The file cannot be read.'],
  storageAway: [502, 'Storage does not answer; try again.'],
  busy: [503, 'Too busy; try again.'],
  full: [507, 'There is no room for the file.'],
} as const satisfies Record<string, readonly [status: number, text: string]>;

export type Refusal = keyof typeof REFUSALS;

/** Says in a line why there is no file. True, as handlers answer for an address of their own. */
export function refuse(res: ServerResponse, refusal: Refusal, headers: Record<string, string> = {}): true {
  const [status, text] = REFUSALS[refusal];
  return sendLine(res, status, text, headers);
}

/** An answer of one line of plain text. */
export function sendLine(
  res: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): true {
  const body = `${text}\n`;
  res.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...headers,
  });
  res.end(body);
  return true;
}
