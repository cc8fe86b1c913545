import type { Config } from './config.ts';
import { MASKED, withoutPassword, withoutRedisPassword } from './mask.ts';

/**
 * The effective settings, one line `NAME=value` each, in the form that the environment takes. A setting without a value
 * shows `(embedded)`, `(none)` or the like. Secrets are masked, passwords within addresses too.
 */
export function describeConfig(config: Config): string {
  const { http, graphql, jwt, admin, redis, comfyui, s3, folder, jobs, tracing } = config;
  const lines: Record<string, string | number | boolean> = {
    HOST: http.host,
    PORT: http.port,
    ADMIN_HOST: admin?.host ?? '(no private port)',
    ADMIN_PORT: admin?.port ?? '(no private port)',
    PUBLIC_URL: http.publicUrl ?? '(from the port that is found free)',
    ALLOWED_ORIGINS: http.allowedOrigins.join(',') || '(none)',
    TRUSTED_PROXIES: http.trustedProxies.join(',') || '(none)',
    AUTH: http.auth?.join(',') ?? 'none',
    JWT_ISSUER: jwt?.issuer ?? '(no tokens)',
    ...(jwt && {
      JWT_AUDIENCE: jwt.audiences.join(','),
      JWT_JWKS_URL: withoutPassword(jwt.jwksUrl),
      JWT_ALGORITHMS: jwt.algorithms.join(','),
      JWT_CLOCK_SKEW: inSeconds(jwt.clockSkewMs),
      JWT_CALLER_CLAIM: jwt.callerClaim,
      JWT_PLAN_CLAIM: jwt.planClaim ?? '(none)',
      JWT_SCOPES_CLAIM: jwt.scopesClaim ?? '(none)',
      JWT_DEFAULT_PLAN: jwt.defaultPlan,
      JWT_DEFAULT_SCOPES: jwt.defaultScopes.join(','),
    }),
    TLS_CERT_FILE: http.tls?.certFile ?? '(no TLS)',
    TLS_KEY_FILE: http.tls?.keyFile ?? '(no TLS)',
    INTROSPECTION: graphql.introspection ? 'on' : 'off',
    GRAPHIQL: graphql.graphiql ? 'on' : 'off',
    PERSISTED_DOCUMENTS: graphql.persistedDocuments ?? '(none)',
    PERSISTED_ONLY: graphql.persistedOnly,
    MAX_BODY_BYTES: http.maxBodyBytes,
    REDIS_URL: redis.url === undefined ? '(embedded)' : withoutRedisPassword(redis.url),
    REDIS_PREFIX: redis.prefix,
    COMFYUI_URLS:
      comfyui.backends?.map(({ name, url }) => `${name}=${withoutPassword(url)}`).join(',') ?? '(simulator)',
    BACKEND_DEPTH: comfyui.depth,
    PREVIEW_METHOD: comfyui.previewMethod,
    COMFY_ORG_API_KEY: comfyui.orgApiKey === undefined ? '(none)' : MASKED,
    NO_BACKEND_GRACE: inSeconds(comfyui.noBackendGraceMs),
    S3_ENDPOINT: s3?.endpoint ?? '(folder)',
    ...(s3 && {
      S3_PUBLIC_ENDPOINT: s3.publicEndpoint,
      S3_REGION: s3.region,
      S3_BUCKET: s3.bucket,
      S3_ACCESS_KEY: MASKED,
      S3_SECRET_KEY: MASKED,
    }),
    SIGNING_SECRET: folder.signingSecret === undefined ? '(kept in the data folder)' : MASKED,
    STORAGE_SHARED: folder.shared,
    ARTIFACT_URL_TTL: inSeconds(config.artifactUrlTtlMs),
    DATA_DIR: folder.dataDir,
    MAX_UPLOAD_BYTES: config.inputs.maxBytes,
    INPUT_ORIGINS: config.inputs.origins.join(',') || '(none)',
    PLANS_FILE: config.plansFile,
    WORKFLOWS_DIR: config.workflowsDir,
    JOB_TIMEOUT: inSeconds(jobs.timeoutMs),
    JOB_DEADLINE: inSeconds(jobs.deadlineMs),
    JOB_MAX_DEADLINE: inSeconds(jobs.maxDeadlineMs),
    JOB_ATTEMPTS: jobs.attempts,
    JOB_RETENTION: inSeconds(jobs.retentionMs),
    IDEMPOTENCY_TTL: inSeconds(jobs.idempotencyTtlMs),
    MAX_MEGAPIXELS: jobs.maxMegapixels,
    LOG_LEVEL: config.logLevel,
    AUDIT_LOG: config.auditLog ?? '(none)',
    OTEL_EXPORTER_OTLP_ENDPOINT: tracing ? withoutPassword(tracing.endpoint) : '(nothing is traced)',
    ...(tracing && {
      OTEL_EXPORTER_OTLP_HEADERS: Object.keys(tracing.headers).length > 0 ? MASKED : '(none)',
      OTEL_SERVICE_NAME: tracing.serviceName ?? '(by the role)',
      OTEL_TRACES_SAMPLER_ARG: tracing.ratio,
    }),
    SHUTDOWN_TIMEOUT: inSeconds(config.shutdownTimeoutMs),
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');
}

function inSeconds(ms: number): number {
  return ms / 1000;
}
