import { hostname } from 'node:os';
import { withoutPassword } from './mask.ts';
import { brokenRules } from './rules.ts';
import { readSecretFiles } from './secret-files.ts';
import { SECRET_NAMES, type Settings, settingsSchema } from './settings.ts';

/** What a process runs: `all` is `npm start`, gateway and worker in one process. */
export type Role = 'all' | 'gateway' | 'worker';

/** The effective configuration, deeply frozen. A setting that was not given and has no default is undefined. */
export type Config = ReturnType<typeof group>;

/** The configuration cannot be used. `problems` has one line for each fault; the message joins these lines. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'BAD_CONFIG';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * Parses the environment into the configuration. Unset and empty variables take their default; unknown names are
 * ignored.
 * @param options.machine this host's name, from which backends on loopback get their names
 * @throws {ConfigError} naming every bad value at once
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  { machine = hostname() }: { machine?: string } = {},
): Config {
  const { values, problems } = readSecretFiles(env);
  const schema = settingsSchema(machine);
  const parsed = schema.safeParse(values);
  for (const { path, message } of parsed.error?.issues ?? []) problems.push({ name: String(path[0]), message });

  // The rules over several settings are also checked when some values are bad, so that one run reports every problem.
  const bad = new Set(problems.map(({ name }) => name.replace(/_FILE$/, '')));
  const good = Object.fromEntries(Object.entries(values).filter(([name]) => !bad.has(name)));
  const settings = parsed.data ?? schema.parse(good);
  for (const [name, message] of brokenRules(settings, bad)) problems.push({ name, message });

  if (problems.length > 0)
    throw new ConfigError(problems.map(({ name, message }) => problemLine(name, message, values[name])));
  return deepFreeze(group(settings));
}

/**
 * Checks that every setting is there that the role needs. An unset address means an embedded part, which only `all`
 * has.
 * @throws {ConfigError}
 */
export function checkRole(config: Config, role: Role): void {
  if (role === 'all') return;
  const problems: string[] = [];
  if (config.redis.url === undefined)
    problems.push(`REDIS_URL: expected a value, since a ${role} has no Redis of its own`);
  if (role === 'worker' && config.comfyui.backends === undefined) {
    problems.push('COMFYUI_URLS: expected a value, since a worker has no ComfyUI of its own');
  }
  if (config.s3 === undefined && !config.folder.shared) {
    problems.push(
      'STORAGE_SHARED: expected true when gateway and worker, in processes of their own, share the folder DATA_DIR; ' +
        'or set S3_ENDPOINT',
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

/**
 * The origin of a gateway when PUBLIC_URL is not set. A host that listens on every address (0.0.0.0 or ::) becomes
 * localhost, since clients cannot connect to such an address.
 */
export function defaultPublicUrl(host: string, port: number, tls = false): string {
  const scheme = tls ? 'https' : 'http';
  if (host === '0.0.0.0' || host === '::') return `${scheme}://localhost:${port}`;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Where Auth0, Clerk and Supabase have it. */
function defaultJwksUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`;
}

function problemLine(name: string, message: string, raw: string | undefined): string {
  const got =
    raw === undefined || SECRET_NAMES.has(name) ? '' : `, got ${JSON.stringify(withoutPassword(raw).slice(0, 200))}`;
  return `${name}: ${message}${got}`;
}

function group(s: Settings) {
  const s3 =
    s.S3_ENDPOINT !== undefined && s.S3_ACCESS_KEY !== undefined && s.S3_SECRET_KEY !== undefined
      ? {
          endpoint: s.S3_ENDPOINT,
          /** The origin in signed URLs, where browsers reach the same server. */
          publicEndpoint: s.S3_PUBLIC_ENDPOINT ?? s.S3_ENDPOINT,
          region: s.S3_REGION,
          bucket: s.S3_BUCKET,
          accessKey: s.S3_ACCESS_KEY,
          secretKey: s.S3_SECRET_KEY,
        }
      : undefined;
  const isOpen = s.AUTH === undefined || s.AUTH.includes('none');
  return {
    http: {
      host: s.HOST,
      /** 0 takes any free port. */
      port: s.PORT,
      /**
       * Undefined when PORT is 0 and PUBLIC_URL is not given: then it is `defaultPublicUrl` of the port that was found.
       */
      publicUrl:
        s.PUBLIC_URL ?? (s.PORT === 0 ? undefined : defaultPublicUrl(s.HOST, s.PORT, s.TLS_CERT_FILE !== undefined)),
      allowedOrigins: s.ALLOWED_ORIGINS,
      /** Networks of proxies that are believed where a request comes from. */
      trustedProxies: s.TRUSTED_PROXIES,
      maxBodyBytes: s.MAX_BODY_BYTES,
      /** Undefined: it was not said, which only loopback may leave open. */
      auth: s.AUTH,
      /** Undefined: http, as behind a proxy that has the certificate. */
      tls:
        s.TLS_CERT_FILE !== undefined && s.TLS_KEY_FILE !== undefined
          ? { certFile: s.TLS_CERT_FILE, keyFile: s.TLS_KEY_FILE }
          : undefined,
    },
    graphql: {
      /** Whether callers may ask for the schema, and errors hint at what is in it. */
      introspection: s.INTROSPECTION === undefined ? isOpen : s.INTROSPECTION === 'on',
      /** Whether browsers get the page GraphiQL. */
      graphiql: s.GRAPHIQL === undefined ? isOpen && !s.PERSISTED_ONLY : s.GRAPHIQL === 'on',
      /** A file, or a folder of files, that list documents by their hash. */
      persistedDocuments: s.PERSISTED_DOCUMENTS,
      /** Whether no others are executed. */
      persistedOnly: s.PERSISTED_ONLY,
    },
    /** Undefined: no tokens are taken. */
    jwt:
      s.JWT_ISSUER === undefined || s.JWT_AUDIENCE === undefined
        ? undefined
        : {
            issuer: s.JWT_ISSUER,
            audiences: s.JWT_AUDIENCE,
            jwksUrl: s.JWT_JWKS_URL ?? defaultJwksUrl(s.JWT_ISSUER),
            algorithms: s.JWT_ALGORITHMS,
            clockSkewMs: s.JWT_CLOCK_SKEW,
            callerClaim: s.JWT_CALLER_CLAIM,
            planClaim: s.JWT_PLAN_CLAIM,
            scopesClaim: s.JWT_SCOPES_CLAIM,
            defaultPlan: s.JWT_DEFAULT_PLAN,
            defaultScopes: s.JWT_DEFAULT_SCOPES,
          },
    /** The private port, which serves metrics and detailed health. Undefined: there is none. */
    admin: s.ADMIN_PORT === undefined ? undefined : { host: s.ADMIN_HOST, port: s.ADMIN_PORT },
    redis: { url: s.REDIS_URL, prefix: s.REDIS_PREFIX },
    comfyui: {
      backends: s.COMFYUI_URLS,
      /** How many prompts a server gets at once. A worker runs this many jobs for each of its servers. */
      depth: s.BACKEND_DEPTH,
      /** ComfyUI's name of the method by which samplers make previews. */
      previewMethod: s.PREVIEW_METHOD,
      /** Sent with every prompt, for partner nodes. Undefined: only jobs that bring a key of their own have one. */
      orgApiKey: s.COMFY_ORG_API_KEY,
      noBackendGraceMs: s.NO_BACKEND_GRACE,
    },
    /** Undefined: artifacts are kept in a folder instead of S3. */
    s3,
    folder: {
      dataDir: s.DATA_DIR,
      /** Whether separate gateway and worker processes use the same folder. */
      shared: s.STORAGE_SHARED,
      /** Undefined: generated once and kept in the data folder. */
      signingSecret: s.SIGNING_SECRET,
    },
    artifactUrlTtlMs: s.ARTIFACT_URL_TTL,
    inputs: {
      /** The largest input file, uploaded or fetched from a URL. */
      maxBytes: s.MAX_UPLOAD_BYTES,
      /** Origins whose URLs need not be https or public when callers name them as input files. */
      origins: s.INPUT_ORIGINS,
    },
    /** What callers of each plan may use. */
    plansFile: s.PLANS_FILE,
    workflowsDir: s.WORKFLOWS_DIR,
    jobs: {
      /** How long each attempt may run. */
      timeoutMs: s.JOB_TIMEOUT,
      /** The deadline after acceptance of a job whose caller sets none. */
      deadlineMs: s.JOB_DEADLINE,
      maxDeadlineMs: s.JOB_MAX_DEADLINE,
      attempts: s.JOB_ATTEMPTS,
      /** How long a job is kept after its end. */
      retentionMs: s.JOB_RETENTION,
      /** How long an idempotency key is kept after acceptance. */
      idempotencyTtlMs: s.IDEMPOTENCY_TTL,
      maxMegapixels: s.MAX_MEGAPIXELS,
    },
    logLevel: s.LOG_LEVEL,
    /** `stdout`, `stderr` or the path of a file. Undefined: there is no audit log. */
    auditLog: s.AUDIT_LOG,
    /** Undefined: nothing is traced. */
    tracing:
      s.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
        ? undefined
        : {
            endpoint: s.OTEL_EXPORTER_OTLP_ENDPOINT,
            headers: s.OTEL_EXPORTER_OTLP_HEADERS,
            /** Undefined: the name depends on the role. */
            serviceName: s.OTEL_SERVICE_NAME,
            /** The share of traces that are kept, 0 to 1. */
            ratio: s.OTEL_TRACES_SAMPLER_ARG,
          },
    shutdownTimeoutMs: s.SHUTDOWN_TIMEOUT,
  } as const;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
