import { resolve } from 'node:path';
import { z } from 'zod';
import { EXPECTED_REDIS_ADDRESS, parseRedisAddress } from './redis-address.ts';

/** A ComfyUI server by the name under which jobs remember it. */
export interface BackendAddress {
  readonly name: string;
  /** Without a slash at its end; may have a path. */
  readonly url: string;
}

const BACKEND_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** One environment variable: `parse` answers undefined for a bad value, which is then reported as "expected <expected>". */
function value<T>(expected: string, parse: (raw: string) => T | undefined) {
  return z.string().transform((raw, context): T => {
    const parsed = parse(raw.trim());
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: `expected ${expected}` });
    return z.NEVER;
  });
}

export function integer(min: number, max: number) {
  return value(`an integer from ${min} to ${max}`, (raw) =>
    /^\d{1,15}$/.test(raw) ? within(Number(raw), min, max) : undefined,
  );
}

export function decimal(min: number, max: number) {
  return value(`a number from ${min} to ${max}`, (raw) => parseDecimal(raw, min, max));
}

/** Seconds in the environment, fractions allowed; milliseconds in the configuration. */
export function seconds(min: number, max: number) {
  return value(`seconds from ${min} to ${max}`, (raw) => {
    const parsed = parseDecimal(raw, min, max);
    return parsed === undefined ? undefined : Math.round(parsed * 1000);
  });
}

export function flag() {
  return value('true or false', (raw) => (raw === 'true' ? true : raw === 'false' ? false : undefined));
}

export function oneOf<const T extends string>(choices: readonly T[]) {
  return value(`one of ${choices.join(', ')}`, (raw) => choices.find((choice) => choice === raw));
}

export function pattern(expected: string, regex: RegExp) {
  return value(expected, (raw) => (regex.test(raw) ? raw : undefined));
}

/** A folder, made absolute from where the process was started. */
export function folder() {
  return value('a folder', (raw) => resolve(raw));
}

/** Scheme, host and port of an http address and nothing else, as a browser writes it: lower case, default port left out. */
export function origin() {
  return value(EXPECTED_ORIGIN, parseOrigin);
}

/** An http or https address, which may have a path; without a slash at its end. */
export function httpAddress() {
  return value('an http or https address', (raw) => parseHttpUrl(raw)?.href.replace(/\/$/, ''));
}

/** `name=value,name=value`, values percent-encoded where they need it, as OpenTelemetry has them. */
export function headerList() {
  return value('a list of headers, name=value,name=value, with values percent-encoded', (raw) => {
    const headers = raw.split(',').map(parseHeader);
    return headers.every((each) => each !== undefined) ? Object.fromEntries(headers) : undefined;
  });
}

export function originList() {
  return value(`a list of origins, each ${EXPECTED_ORIGIN}, with commas between`, (raw) => {
    const origins = raw.split(',').map((each) => parseOrigin(each.trim()));
    return origins.every((each) => each !== undefined) ? [...new Set(origins)] : undefined;
  });
}

const EXPECTED_ORIGIN = 'a bare origin like https://example.com:8443, without a path';

/** Checked here and given as it is: it is taken apart where the connection is made. */
export function redisAddress() {
  return value(EXPECTED_REDIS_ADDRESS, (raw) => (parseRedisAddress(raw) ? raw : undefined));
}

/**
 * `name=url,name=url`, or bare addresses, whose names then come from host and port. A loopback address is another server on
 * each machine, so there the name comes from `machine` (the host's own name).
 */
export function backendList(machine: string) {
  const expected = 'name=url,name=url with http or https addresses and unique names of 1 to 64 letters, digits, - or _';
  return value(expected, (raw): readonly BackendAddress[] | undefined => {
    const backends: BackendAddress[] = [];
    for (const entry of raw.split(',')) {
      const [, given, address = ''] = /^(?:([^=:/]*)=)?(.*)$/.exec(entry.trim()) ?? [];
      const url = parseHttpUrl(address);
      if (!url) return undefined;
      const name = given ?? unusedName(hostAndPort(url, machine), backends);
      const href = url.href.replace(/\/$/, '');
      if (!BACKEND_NAME.test(name) || backends.some((other) => other.name === name || other.url === href))
        return undefined;
      backends.push({ name, url: href });
    }
    return backends;
  });
}

/** Whether only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function within(number: number, min: number, max: number): number | undefined {
  return number >= min && number <= max ? number : undefined;
}

function parseDecimal(raw: string, min: number, max: number): number | undefined {
  return /^\d{1,15}(?:\.\d{1,6})?$/.test(raw) ? within(Number(raw), min, max) : undefined;
}

function parseHttpUrl(raw: string): URL | undefined {
  const url = URL.canParse(raw) ? new URL(raw) : undefined;
  const fits = url && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
  return fits ? url : undefined;
}

function parseOrigin(raw: string): string | undefined {
  const url = parseHttpUrl(raw);
  return url && url.pathname === '/' && url.username === '' && url.password === '' ? url.origin : undefined;
}

function parseHeader(entry: string): readonly [name: string, value: string] | undefined {
  const [, name, encoded] = /^\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=(.+)$/.exec(entry) ?? [];
  if (name === undefined || encoded === undefined) return undefined;
  try {
    const decoded = decodeURIComponent(encoded.trim());
    return /^[\x20-\x7e]+$/.test(decoded) ? [name, decoded] : undefined;
  } catch {
    return undefined; // a lone percent sign
  }
}

function hostAndPort(url: URL, machine: string): string {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const safeHost = (isLoopback(host) ? machine : host).replace(/[^A-Za-z0-9_]+/g, '-').replace(/^-+|-+$/g, '');
  return `${safeHost.slice(0, 50)}-${port}`;
}

function unusedName(wanted: string, taken: readonly BackendAddress[]): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? wanted : `${wanted}-${n}`;
    if (!taken.some((other) => other.name === name)) return name;
  }
}
