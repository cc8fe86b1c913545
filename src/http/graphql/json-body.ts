import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { endOfString, parseExactJson } from '../../core/exact-json.ts';
import type { Budget } from '../../graphql/engine/budgets.ts';
import { HttpFault, tooMuchWaits } from '../reply.ts';

/** Deeper than any request; what walks a request by recursion is safe. */
const MAX_NESTING = 100;

const QUOTE = 34;

/** Whether brackets nest too deeply in a JSON text; those in strings do not count. */
function nestsTooDeeply(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) i = endOfString(text, i);
    else if (char === 123 || char === 91) {
      depth += 1;
      if (depth > MAX_NESTING) return true;
    } else if (char === 125 || char === 93) depth -= 1;
  }
  return false;
}

/** Throws 400 for a JSON text that nests too deeply for what walks it by recursion. */
export function checkNesting(text: string): void {
  if (!nestsTooDeeply(text)) return;
  throw new HttpFault(400, 'LIMIT_EXCEEDED', `The body nests more than ${MAX_NESTING} levels.`);
}

/** Only what a page cannot send without asking first: no form, no text/plain. Throws 415. */
function checkMediaType(req: IncomingMessage): void {
  const [type = '', ...parameters] = (req.headers['content-type'] ?? '').toLowerCase().split(';');
  if (type.trim() !== 'application/json') {
    throw new HttpFault(415, 'BAD_REQUEST', 'Expected Content-Type: application/json.');
  }
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='));
  if (charset && !/^charset="?utf-?8"?$/.test(charset.trim())) {
    throw new HttpFault(415, 'BAD_REQUEST', 'Expected charset=utf-8.');
  }
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new HttpFault(415, 'BAD_REQUEST', 'Expected a body without Content-Encoding.');
  }
}

/**
 * Read and thrown away of a body that is too large: a client that is still sending when the connection ends sees it
 * reset, not the answer.
 */
const MAX_DRAINED_BYTES = 16 * 1024 * 1024;

/** Added for each piece of a body: a buffer of its own, however short it is. */
const CHUNK_BYTES = 256;

function tooLarge(maxBytes: number): HttpFault {
  // There may be more on its way, so the connection cannot be used again.
  return new HttpFault(413, 'LIMIT_EXCEEDED', `The body is larger than ${maxBytes} bytes.`, { Connection: 'close' });
}

/**
 * The text of a body of JSON. The budget keeps it while it is read and afterwards. Rejects with 400, 413 or 415, and
 * with 429 where there is no room for it.
 */
export function readJsonText(req: IncomingMessage, maxBytes: number, budget: Pick<Budget, 'keep'>): Promise<string> {
  checkMediaType(req);
  const mostBytes = maxBytes + MAX_DRAINED_BYTES;
  const announced = req.headers['content-length'];
  if (announced !== undefined && Number(announced) > mostBytes) return Promise.reject(tooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let fault: HttpFault | null = null;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) fault = tooLarge(maxBytes);
      else if (!budget.keep(chunk.length + CHUNK_BYTES)) fault = tooMuchWaits();
      if (fault) chunks.length = 0;
      else chunks.push(chunk);
      if (size <= mostBytes) return;
      req.removeAllListeners('data');
      req.pause();
      reject(tooLarge(maxBytes));
    });
    req.on('end', () => {
      if (fault) return reject(fault);
      const [only] = chunks;
      const whole = only && chunks.length === 1 ? only : Buffer.concat(chunks);
      // Decoding would put other characters in the place of what is none.
      if (isUtf8(whole)) resolve(whole.toString('utf8'));
      else reject(new HttpFault(400, 'BAD_REQUEST', 'The body is not UTF-8.'));
    });
    const brokeOff = () => {
      if (!req.complete) reject(new HttpFault(400, 'BAD_REQUEST', 'The body broke off.'));
    };
    req.on('close', brokeOff);
    req.on('error', brokeOff);
  });
}

/** The body of a POST, an object; whole numbers that would be rounded are texts. Throws 400. */
export function parseJsonBody(text: string): { [key: string]: unknown } {
  checkNesting(text);
  let body: unknown;
  try {
    body = parseExactJson(text);
  } catch {
    throw new HttpFault(400, 'BAD_REQUEST', 'The body is not JSON.');
  }
  if (Array.isArray(body)) throw new HttpFault(400, 'BAD_REQUEST', 'Batching is not supported.');
  if (typeof body !== 'object' || body === null) {
    throw new HttpFault(400, 'BAD_REQUEST', 'Expected a JSON object in the body.');
  }
  return { ...body };
}
