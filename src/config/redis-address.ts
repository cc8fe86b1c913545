/** One server. The default port is 6379, or 26379 for a Sentinel. */
export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

interface Login {
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/**
 * Where Redis is: one server, the server that Sentinels name as master, or a Cluster that is reached through its nodes.
 */
export type RedisAddress =
  /** An address that ioredis takes: redis://, rediss://, or the path of a unix socket. */
  | { readonly kind: 'single'; readonly url: string }
  | (Login & {
      readonly kind: 'sentinel';
      readonly sentinels: readonly RedisHost[];
      readonly master: string;
      readonly db: number;
      readonly sentinelUsername: string | undefined;
      readonly sentinelPassword: string | undefined;
    })
  | (Login & { readonly kind: 'cluster'; readonly nodes: readonly RedisHost[] });

export const EXPECTED_REDIS_ADDRESS =
  'redis://[USER:PASSWORD@]HOST[:PORT][/DB], redis+sentinel://[USER:PASSWORD@]HOST[:26379],HOST,…/MASTER[/DB], ' +
  'redis+cluster://[USER:PASSWORD@]HOST[:PORT],HOST,…, any of them with rediss for TLS, ' +
  'or the absolute path of a unix socket';

const SEVERAL = new RegExp(
  [
    /^(?<scheme>rediss?)\+(?<kind>sentinel|cluster):\/\//,
    /(?:(?<login>[^@/]*)@)?(?<hosts>[^@/?#]+)(?<path>\/[^?#]*)?(?:\?(?<query>[^#]*))?$/,
  ]
    .map(({ source }) => source)
    .join(''),
);

const SENTINEL_PATH = /^\/(?<master>[\w.-]+)(?:\/(?<db>\d{1,5}))?$/;
const SENTINEL_QUERY = new Set(['sentinelUsername', 'sentinelPassword']);

/** Undefined for a text that is not such an address. */
export function parseRedisAddress(raw: string): RedisAddress | undefined {
  if (/^\/[^/]/.test(raw)) return { kind: 'single', url: raw };
  const parts = SEVERAL.exec(raw)?.groups;
  if (!parts) return isSingle(raw) ? { kind: 'single', url: raw } : undefined;

  const { scheme, kind, login, path, query } = parts;
  const hosts = (parts.hosts ?? '').split(',').map((each) => parseHost(each, kind === 'sentinel' ? 26_379 : 6_379));
  const whole = hosts.flatMap((each) => each ?? []);
  const credentials = parseLogin(login);
  if (whole.length < hosts.length || !credentials) return undefined;
  const common = { tls: scheme === 'rediss', ...credentials };
  if (kind === 'cluster') {
    const bare = query === undefined && (path === undefined || path === '/');
    return bare ? { kind, ...common, nodes: whole } : undefined;
  }
  const service = SENTINEL_PATH.exec(path ?? '')?.groups;
  const settings = new URLSearchParams(query);
  if (!service?.master || [...settings.keys()].some((name) => !SENTINEL_QUERY.has(name))) return undefined;
  return {
    kind: 'sentinel',
    ...common,
    sentinels: whole,
    master: service.master,
    db: Number(service.db ?? 0),
    sentinelUsername: settings.get('sentinelUsername') ?? undefined,
    sentinelPassword: settings.get('sentinelPassword') ?? undefined,
  };
}

function isSingle(raw: string): boolean {
  const url = URL.canParse(raw) ? new URL(raw) : undefined;
  return url !== undefined && ['redis:', 'rediss:'].includes(url.protocol) && /^[^,]+$/.test(url.hostname);
}

function parseHost(raw: string, defaultPort: number): RedisHost | undefined {
  const address = `redis://${raw.trim()}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url?.hostname || url.port === '0') return undefined;
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port ? Number(url.port) : defaultPort };
}

/**
 * User name and password, percent-encoded as in any URL. Either may be left out. Undefined where the encoding is bad.
 */
function parseLogin(raw = ''): Pick<Login, 'username' | 'password'> | undefined {
  const [name = '', ...rest] = raw.split(':');
  try {
    const username = decodeURIComponent(name) || undefined;
    return { username, password: decodeURIComponent(rest.join(':')) || undefined };
  } catch {
    return undefined; // a lone percent sign
  }
}
