import { resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { EXPECTED_REDIS_ADDRESS, parseRedisAddress } from './redis-address.ts';

/** A ComfyUI server. Job records refer to it by its name. */
export interface BackendAddress {
  readonly name: string;
  /** Without a trailing slash; may have a path. */
  readonly url: string;
}

const BACKEND_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** A schema for one variable. `parse` returns undefined for a bad value, which is reported as "expected <expected>". */
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

/** A duration: seconds in the environment, fractions allowed; milliseconds in the configuration. */
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

/** A folder. A relative path is resolved against the working directory of the process. */
export function folder() {
  return value('a folder', (raw) => resolve(raw));
}

export function file() {
  return value('a file', (raw) => resolve(raw));
}

/** Scheme, host and port of an http URL, written as browsers write origins: lower case, without the default port. */
export function origin() {
  return value(EXPECTED_ORIGIN, parseOrigin);
}

/** An http or https URL, which may have a path. A trailing slash is removed. */
export function httpAddress() {
  return value('an http or https address', (raw) => parseHttpUrl(raw)?.href.replace(/\/$/, ''));
}

/** HTTP headers as OpenTelemetry writes them: `name=value,name=value`, with percent-encoded values. */
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

/** The address of a JWKS: https, or http on loopback. It may have a query. */
export function jwksAddress() {
  return value('an https address, or an http address on loopback', (raw) => {
    const url = URL.canParse(raw) ? new URL(raw) : undefined;
    return url && isPrivate(url) && url.username === '' && url.password === '' ? url.href : undefined;
  });
}

/** Each of the list is one of `choices`, with commas between. */
export function listOf<const T extends string>(choices: readonly T[]) {
  return value(`a list of ${choices.join(', ')}, with commas between`, (raw): readonly T[] | undefined => {
    const items = raw.split(',').map((each) => choices.find((choice) => choice === each.trim()));
    return items.every((each) => each !== undefined) ? [...new Set(items)] : undefined;
  });
}

/** Networks of IP addresses, each written as `10.0.0.0/8`; a single address is a network of its own. */
export function networkList() {
  return value('a list of addresses or networks like 10.0.0.0/8, with commas between', (raw) => {
    const networks = raw.split(',').map((each) => parseNetwork(each.trim()));
    return networks.every((each) => each !== undefined) ? [...new Set(networks)] : undefined;
  });
}

/** Texts without white space, with commas between. */
export function textList(most: number) {
  return value(`1 to ${most} texts without spaces, with commas between`, (raw): readonly string[] | undefined => {
    const items = raw.split(',').map((each) => each.trim());
    return items.length <= most && items.every((each) => /^\S{1,512}$/.test(each)) ? items : undefined;
  });
}

/** What may be said with an URL stays between us and its server. */
export function isPrivate(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(host));
}

const EXPECTED_ORIGIN = 'a bare origin like https://example.com:8443, without a path';

/** A Redis address. It is checked here and returned unchanged; `connectRedis` parses it again. */
export function redisAddress() {
  return value(EXPECTED_REDIS_ADDRESS, (raw) => (parseRedisAddress(raw) ? raw : undefined));
}

/**
 * `name=url,name=url`. A URL without a name is named after its host and port. A loopback URL means a different server
 * on each machine, so its name is made of `machine`, the host's own name, instead.
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

/** Whether a server that listens on this host can be reached only from this machine. */
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

function parseNetwork(raw: string): string | undefined {
  if (ipaddr.IPv4.isValidCIDRFourPartDecimal(raw) || ipaddr.IPv6.isValidCIDR(raw))
    return ipaddr.parseCIDR(raw).join('/');
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(raw) || ipaddr.IPv6.isValid(raw);
  return isAddress ? `${ipaddr.parse(raw)}/${ipaddr.parse(raw).kind() === 'ipv4' ? 32 : 128}` : undefined;
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
