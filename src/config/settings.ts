import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import {
  backendList,
  decimal,
  file,
  flag,
  folder,
  headerList,
  httpAddress,
  integer,
  jwksAddress,
  listOf,
  networkList,
  oneOf,
  origin,
  originList,
  pattern,
  redisAddress,
  seconds,
  textList,
} from './values.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What credentials are taken. */
const AUTH_METHODS = ['none', 'keys', 'jwt'] as const;

/** Signatures by the issuer's own key alone: nobody who verifies a token can make one. */
const JWT_ALGORITHMS = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
];

/** Settings whose values must not be shown. Each may also be given as a file, named by `<NAME>_FILE`. */
export const SECRET_NAMES: ReadonlySet<string> = new Set([
  'REDIS_URL',
  'S3_ACCESS_KEY',
  'S3_SECRET_KEY',
  'SIGNING_SECRET',
  'COMFY_ORG_API_KEY',
  'OTEL_EXPORTER_OTLP_HEADERS',
]);

const CLAIM = /^\S{1,256}$/;

/** The longest delay of a Node timer, 2^31 - 1 ms. */
const MAX_TIMER_SECONDS = 2_147_483;
const TEN_YEARS_SECONDS = 315_360_000;
/** The longest life of a signed URL that S3 accepts, seven days. */
const MAX_SIGNED_SECONDS = 604_800;

/**
 * Every setting, by the name of its environment variable. Limits are in the unit of the environment, seconds for
 * durations; defaults are values after parsing, milliseconds for durations. `machine` is the host's own name.
 */
export function settingsSchema(machine: string) {
  return z.object({
    HOST: pattern('a host name or IP address', /^[A-Za-z0-9.:_-]{1,253}$/).default('127.0.0.1'),
    PORT: integer(0, 65_535).default(4000),
    ADMIN_HOST: pattern('a host name or IP address', /^[A-Za-z0-9.:_-]{1,253}$/).default('127.0.0.1'),
    ADMIN_PORT: integer(0, 65_535).optional(),
    PUBLIC_URL: origin().optional(),
    ALLOWED_ORIGINS: originList().default([]),
    TRUSTED_PROXIES: networkList().default([]),
    AUTH: listOf(AUTH_METHODS).optional(),
    TLS_CERT_FILE: file().optional(),
    TLS_KEY_FILE: file().optional(),
    INTROSPECTION: oneOf(['on', 'off']).optional(),
    GRAPHIQL: oneOf(['on', 'off']).optional(),
    PERSISTED_DOCUMENTS: file().optional(),
    PERSISTED_ONLY: flag().default(false),
    MAX_BODY_BYTES: integer(1024, 64 * 1024 * 1024).default(1024 * 1024),

    JWT_ISSUER: pattern('the issuer as tokens name it', /^\S{1,512}$/).optional(),
    JWT_AUDIENCE: textList(10).optional(),
    JWT_JWKS_URL: jwksAddress().optional(),
    JWT_ALGORITHMS: listOf(JWT_ALGORITHMS).default(['RS256', 'ES256', 'EdDSA']),
    JWT_CLOCK_SKEW: seconds(0, 300).default(30_000),
    JWT_CALLER_CLAIM: pattern('the name of a claim', CLAIM).default('sub'),
    JWT_PLAN_CLAIM: pattern('the name of a claim', CLAIM).optional(),
    JWT_SCOPES_CLAIM: pattern('the name of a claim', CLAIM).optional(),
    JWT_DEFAULT_PLAN: pattern('1 to 64 letters, digits, - or _', /^[A-Za-z0-9_-]{1,64}$/).default('free'),
    JWT_DEFAULT_SCOPES: textList(100).default(['job:read', 'job:write', 'workflow:*']),

    REDIS_URL: redisAddress().optional(),
    REDIS_PREFIX: pattern('1 to 64 letters, digits, - or _', /^[A-Za-z0-9_-]{1,64}$/).default('comfygate'),

    COMFYUI_URLS: backendList(machine).optional(),
    BACKEND_DEPTH: integer(1, 16).default(2),
    PREVIEW_METHOD: oneOf(['auto', 'latent2rgb', 'taesd', 'none']).default('latent2rgb'),
    COMFY_ORG_API_KEY: pattern('1 to 255 printable ASCII characters', /^[\x20-\x7e]{1,255}$/).optional(),
    NO_BACKEND_GRACE: seconds(1, MAX_TIMER_SECONDS).default(300_000),

    S3_ENDPOINT: origin().optional(),
    S3_PUBLIC_ENDPOINT: origin().optional(),
    S3_REGION: pattern('a region name', /^[a-z0-9-]{1,64}$/).default('us-east-1'),
    S3_BUCKET: pattern('a bucket name', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/).default('comfygate'),
    S3_ACCESS_KEY: pattern('1 to 256 characters', /^.{1,256}$/).optional(),
    S3_SECRET_KEY: pattern('1 to 256 characters', /^.{1,256}$/).optional(),

    SIGNING_SECRET: pattern('32 to 1024 characters', /^.{32,1024}$/).optional(),
    STORAGE_SHARED: flag().default(false),
    ARTIFACT_URL_TTL: seconds(1, MAX_SIGNED_SECONDS).default(3_600_000),
    DATA_DIR: folder().prefault('./data'),
    PLANS_FILE: file().prefault(fileURLToPath(new URL('../../plans.json', import.meta.url))),
    WORKFLOWS_DIR: folder().prefault(fileURLToPath(new URL('../../workflows', import.meta.url))),

    /** 100 MB rather than MiB: such a file and the form data around it fit into ComfyUI's default limit of 100 MiB. */
    MAX_UPLOAD_BYTES: integer(1, 5 * 1024 ** 3).default(100_000_000),
    INPUT_ORIGINS: originList().default([]),

    JOB_TIMEOUT: seconds(1, MAX_TIMER_SECONDS).default(1_200_000),
    JOB_DEADLINE: seconds(1, MAX_TIMER_SECONDS).default(86_400_000),
    JOB_MAX_DEADLINE: seconds(1, MAX_TIMER_SECONDS).default(604_800_000),
    JOB_ATTEMPTS: integer(1, 20).default(3),
    JOB_RETENTION: seconds(1, TEN_YEARS_SECONDS).default(604_800_000),
    IDEMPOTENCY_TTL: seconds(1, TEN_YEARS_SECONDS).default(86_400_000),
    MAX_MEGAPIXELS: decimal(0.01, 1000).default(4),

    LOG_LEVEL: oneOf(LOG_LEVELS).default('info'),
    AUDIT_LOG: pattern('stdout, stderr or the path of a file', /^[^\0]{1,4096}$/).optional(),
    OTEL_EXPORTER_OTLP_ENDPOINT: httpAddress().optional(),
    OTEL_EXPORTER_OTLP_HEADERS: headerList().default({}),
    OTEL_SERVICE_NAME: pattern('1 to 255 characters', /^.{1,255}$/).optional(),
    OTEL_TRACES_SAMPLER_ARG: decimal(0, 1).default(1),
    SHUTDOWN_TIMEOUT: seconds(1, 3600).default(25_000),
  });
}

export type Settings = z.output<ReturnType<typeof settingsSchema>>;
