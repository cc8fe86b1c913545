import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ConfigError, checkRole, loadConfig } from '../../../src/config/config.ts';
import { describeConfig } from '../../../src/config/describe.ts';
import { secretsIn } from '../../../src/config/secrets.ts';

const S3 = { S3_ENDPOINT: 'http://s3:9000', S3_ACCESS_KEY: 'access', S3_SECRET_KEY: 'hidden-key' };

function problemsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const problems = (env: Record<string, string>) => problemsOf(() => loadConfig(env));

describe('defaults', () => {
  test('an empty environment gives the documented defaults, in milliseconds where they are times', () => {
    expect(loadConfig({})).toMatchObject({
      http: {
        host: '127.0.0.1',
        port: 4000,
        publicUrl: 'http://127.0.0.1:4000',
        allowedOrigins: [],
        maxBodyBytes: 1_048_576,
        auth: undefined,
      },
      admin: undefined,
      redis: { url: undefined, prefix: 'comfygate' },
      comfyui: { backends: undefined, depth: 2, previewMethod: 'latent2rgb', noBackendGraceMs: 300_000 },
      s3: undefined,
      folder: { dataDir: resolve('data'), shared: false, signingSecret: undefined },
      artifactUrlTtlMs: 3_600_000,
      workflowsDir: resolve('workflows'),
      jobs: {
        timeoutMs: 1_200_000,
        deadlineMs: 86_400_000,
        maxDeadlineMs: 604_800_000,
        attempts: 3,
        retentionMs: 604_800_000,
        idempotencyTtlMs: 86_400_000,
        maxMegapixels: 4,
      },
      tracing: undefined,
      logLevel: 'info',
      shutdownTimeoutMs: 25_000,
    });
  });

  test('a variable that is set but empty is as if absent, and unknown names are left alone', () => {
    expect(loadConfig({ PORT: '', REDIS_URL: '', S3_ENDPOINT: '', COMFYGATE_X: '1' })).toEqual(loadConfig({}));
  });

  test('it is frozen all the way down', () => {
    const config = loadConfig({ COMFYUI_URLS: 'a=http://a' });
    expect([config, config.http, config.jobs, config.comfyui.backends?.[0]].every(Object.isFrozen)).toBe(true);
  });
});

describe('bad values', () => {
  test('every one is reported at once, a line each, also those that only clash with another', () => {
    expect(problems({ PORT: 'abc', ARTIFACT_URL_TTL: '604801', HOST: '0.0.0.0', JOB_DEADLINE: '700000' })).toEqual([
      'PORT: expected an integer from 0 to 65535, got "abc"',
      'ARTIFACT_URL_TTL: expected seconds from 1 to 604800, got "604801"',
      'HOST: expected a loopback address, since nothing is said of who may call: say AUTH=keys, jwt or keys,jwt, ' +
        'or AUTH=none to open it to everyone who can reach it, got "0.0.0.0"',
      'JOB_DEADLINE: expected at most JOB_MAX_DEADLINE, got "700000"',
    ]);
  });

  test.each([
    ['PORT', ['-1', '65536', '1.5', '0x10', '1e3', 'NaN']],
    ['JOB_TIMEOUT', ['0', '2147484', 'Infinity', '-5', '10s']],
    ['MAX_MEGAPIXELS', ['0', '1001', '4MP']],
    ['STORAGE_SHARED', ['yes', '1', 'TRUE']],
    ['AUTH', ['None', 'off', 'false', 'keys,', 'key', 'none,keys', 'keys jwt']],
    ['TRUSTED_PROXIES', ['10.0.0', '10.0.0.0/33', 'proxy.lan', '10.0.0.1,', '*', '0x7f000001', '010.0.0.1']],
    ['PREVIEW_METHOD', ['default', 'LATENT2RGB', 'true']],
    ['LOG_LEVEL', ['verbose', 'INFO']],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', ['localhost:4318', 'grpc://otel:4317', 'http://otel:4318/?x=1']],
    ['OTEL_EXPORTER_OTLP_HEADERS', ['no-value', 'a=1,,b=2', '=x', 'a=%zz', 'a=%0d%0ax']],
    ['OTEL_TRACES_SAMPLER_ARG', ['1.1', '-1', 'always']],
    [
      'PUBLIC_URL',
      ['example.com', 'https://example.com/path', 'ftp://example.com', 'https://u:p@example.com', 'http://x?a'],
    ],
    ['ALLOWED_ORIGINS', ['*', 'https://a.example,', 'https://a.example/x', 'null']],
    ['REDIS_URL', ['localhost:6379', 'http://localhost', 'redis://', '//host', './redis.sock']],
    ['REDIS_PREFIX', ['a:b', '{x}', 'x'.repeat(65)]],
    ['S3_BUCKET', ['A', 'ab', 'has_underscore']],
    ['SIGNING_SECRET', ['short']],
    ['COMFY_ORG_API_KEY', ['x'.repeat(256), 'kéy', 'a\tb']],
    [
      'COMFYUI_URLS',
      ['x', 'ftp://x', 'a=http://x,a=http://y', '=http://x', 'a b=http://x', 'http://x,http://x/', 'http://x/?q=1'],
    ],
  ])('%s refuses what is not meant', (name, values) => {
    for (const value of values) {
      const others = name === 'S3_BUCKET' ? S3 : {};
      expect(problems({ ...others, [name]: value }), value).toEqual([expect.stringMatching(`^${name}: expected `)]);
    }
  });

  test('traces take a receiver, and headers percent-encoded', () => {
    const { tracing } = loadConfig({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://otel:4318/',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20a%3D%2C,x-tenant = b ',
    });
    expect(tracing).toEqual({
      endpoint: 'http://otel:4318',
      headers: { authorization: 'Bearer a=,', 'x-tenant': 'b' },
      serviceName: undefined,
      ratio: 1,
    });
  });

  test('a message shows no secret, nor a password within an address', () => {
    const lines = problems({
      REDIS_URL: 'nonsense-s3cret',
      SIGNING_SECRET: 's3cret',
      COMFYUI_URLS: 'a=http://me:s3cret@one,a=http://two',
    });
    expect(lines).toHaveLength(3);
    expect(lines.join()).not.toContain('s3cret');
  });

  test('any text at all either gives a number within its bounds or is refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String), fc.double().map(String)), (PORT) => {
        try {
          const { port } = loadConfig({ PORT }).http;
          expect(Number.isInteger(port) && port >= 0 && port <= 65_535).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
    );
  });
});

describe('settings that depend on each other', () => {
  test('a host that others can reach is refused until it is said who may call', () => {
    for (const HOST of ['0.0.0.0', '::', '192.168.1.5', 'gateway.example', '127.0.0.1.example']) {
      expect(problems({ HOST }), HOST).toHaveLength(1);
      for (const AUTH of ['none', 'keys']) expect(problems({ HOST, AUTH }), HOST).toEqual([]);
    }
    for (const HOST of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) expect(problems({ HOST }), HOST).toEqual([]);
  });

  test('proxies are networks, a single one too', () => {
    expect(loadConfig({ TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.1,2001:db8::1' }).http.trustedProxies).toEqual([
      '10.0.0.0/8',
      '192.0.2.1/32',
      '2001:db8::1/128',
    ]);
  });

  test('S3 takes its endpoint and both keys, or none of them', () => {
    expect(problems({ S3_ENDPOINT: 'http://s3:9000' })).toEqual([
      'S3_ACCESS_KEY: expected a value, since S3_ENDPOINT is set',
      'S3_SECRET_KEY: expected a value, since S3_ENDPOINT is set',
    ]);
    expect(problems({ S3_SECRET_KEY: 'key' })).toEqual([
      'S3_ENDPOINT: expected a value, since other S3 settings are given',
    ]);
    expect(loadConfig(S3).s3).toMatchObject({
      publicEndpoint: 'http://s3:9000',
      region: 'us-east-1',
      bucket: 'comfygate',
    });
  });

  test('jobs are kept at least as long as their keys', () => {
    expect(problems({ JOB_RETENTION: '86399' })).toEqual([
      'JOB_RETENTION: expected at least IDEMPOTENCY_TTL, got "86399"',
    ]);
    expect(problems({ JOB_RETENTION: '5', IDEMPOTENCY_TTL: '5' })).toEqual([]);
  });

  test('the public address follows host and port, and waits for the port where any free one is taken', () => {
    expect(loadConfig({ PORT: '81', HOST: '::1' }).http.publicUrl).toBe('http://[::1]:81');
    expect(loadConfig({ HOST: '0.0.0.0', AUTH: 'none' }).http.publicUrl).toBe('http://localhost:4000');
    expect(loadConfig({ PORT: '0' }).http.publicUrl).toBeUndefined();
    expect(loadConfig({ PORT: '0', PUBLIC_URL: 'HTTPS://Pics.Example:443/' }).http.publicUrl).toBe(
      'https://pics.example',
    );
  });

  test('the schema and GraphiQL are shown without authentication, unless that is switched off', () => {
    expect(loadConfig({}).graphql).toMatchObject({ introspection: true, graphiql: true });
    expect(loadConfig({ AUTH: 'none' }).graphql).toMatchObject({ introspection: true, graphiql: true });
    const off = loadConfig({ INTROSPECTION: 'off', GRAPHIQL: 'off' });
    expect(off.graphql).toMatchObject({ introspection: false, graphiql: false });
    expect(problems({ INTROSPECTION: 'yes' })).toEqual(['INTROSPECTION: expected one of on, off, got "yes"']);
  });

  test('only listed documents need a list, and leave GraphiQL nothing to ask', () => {
    expect(problems({ PERSISTED_ONLY: 'true' })).toEqual([
      'PERSISTED_ONLY: expected false, or PERSISTED_DOCUMENTS to be set: only the studio would work, got "true"',
    ]);
    const { graphql } = loadConfig({ PERSISTED_ONLY: 'true', PERSISTED_DOCUMENTS: 'lists' });
    expect(graphql).toMatchObject({ persistedDocuments: resolve('lists'), persistedOnly: true, graphiql: false });
  });

  test('TLS takes a certificate and its key, or neither, and is in the public address', () => {
    expect(problems({ TLS_KEY_FILE: 'key.pem' })).toEqual([
      'TLS_CERT_FILE: expected a value, since TLS_KEY_FILE is set',
    ]);
    expect(problems({ TLS_CERT_FILE: 'a.pem' })).toEqual([
      'TLS_KEY_FILE: expected a value, since TLS_CERT_FILE is set',
    ]);
    const { http } = loadConfig({ TLS_CERT_FILE: 'cert.pem', TLS_KEY_FILE: 'key.pem' });
    expect(http.tls).toEqual({ certFile: resolve('cert.pem'), keyFile: resolve('key.pem') });
    expect(http.publicUrl).toBe('https://127.0.0.1:4000');
  });

  test('a role on its own says what it lacks', () => {
    const shared = { REDIS_URL: '/run/redis.sock', STORAGE_SHARED: 'true' };
    const lacking = (env: Record<string, string>, role: 'all' | 'gateway' | 'worker') =>
      problemsOf(() => checkRole(loadConfig(env), role)).map((line) => line.split(':')[0]);
    expect(lacking({}, 'all')).toEqual([]);
    expect(lacking({}, 'gateway')).toEqual(['REDIS_URL', 'STORAGE_SHARED']);
    expect(lacking({}, 'worker')).toEqual(['REDIS_URL', 'COMFYUI_URLS', 'STORAGE_SHARED']);
    expect(lacking(shared, 'gateway')).toEqual([]);
    expect(lacking({ REDIS_URL: 'redis://r', ...S3 }, 'gateway')).toEqual([]);
    expect(lacking({ ...shared, COMFYUI_URLS: 'http://c:8188' }, 'worker')).toEqual([]);
  });
});

describe('ComfyUI servers', () => {
  const backends = (COMFYUI_URLS: string) => loadConfig({ COMFYUI_URLS }, { machine: 'box.local' }).comfyui.backends;

  test('are named as given, or after host and port; on loopback after the machine, never two alike', () => {
    expect(backends('gpu-1=http://10.0.0.5:8188/, http://gpu2.lan:8188/comfy, https://gpu3.lan')).toEqual([
      { name: 'gpu-1', url: 'http://10.0.0.5:8188' },
      { name: 'gpu2-lan-8188', url: 'http://gpu2.lan:8188/comfy' },
      { name: 'gpu3-lan-443', url: 'https://gpu3.lan' },
    ]);
    expect(backends('http://127.0.0.1:8188,http://localhost:8188')?.map(({ name }) => name)).toEqual([
      'box-local-8188',
      'box-local-8188-2',
    ]);
  });
});

describe('secrets', () => {
  test('are read from the file that <NAME>_FILE names, but not from both', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'comfygate-config-'));
    onTestFinished(() => rm(dir, { recursive: true }));
    const file = join(dir, 'secret');
    await writeFile(file, 'from the file\n');
    expect(loadConfig({ ...S3, S3_SECRET_KEY: '', S3_SECRET_KEY_FILE: file }).s3?.secretKey).toBe('from the file');
    expect(problems({ ...S3, S3_SECRET_KEY_FILE: file })).toEqual([
      `S3_SECRET_KEY_FILE: expected only one of S3_SECRET_KEY and S3_SECRET_KEY_FILE, got "${file}"`,
    ]);
    expect(problems({ ...S3, S3_SECRET_KEY: '', S3_SECRET_KEY_FILE: join(dir, 'none') })).toEqual([
      expect.stringMatching(/^S3_SECRET_KEY_FILE: expected a file that can be read \(ENOENT\), got /),
    ]);
  });

  test('are masked where the effective values are shown', () => {
    const shown = describeConfig(
      loadConfig({
        ...S3,
        REDIS_URL: 'redis://me:hidden-p@ss@redis:6379/2',
        SIGNING_SECRET: 'hidden-'.repeat(6),
        COMFY_ORG_API_KEY: 'hidden-key',
        COMFYUI_URLS: 'gpu=http://me:hidden-too@gpu:8188',
        JOB_TIMEOUT: '1.5',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:hidden-otel@otel:4318/',
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=hidden-key',
      }),
    );
    expect(shown).not.toContain('hidden');
    expect(shown.split('\n')).toEqual(
      expect.arrayContaining([
        'REDIS_URL=redis://me:********@redis:6379/2',
        'OTEL_EXPORTER_OTLP_ENDPOINT=http://me:********@otel:4318',
        'OTEL_EXPORTER_OTLP_HEADERS=********',
        'COMFYUI_URLS=gpu=http://me:********@gpu:8188',
        'S3_SECRET_KEY=********',
        'COMFY_ORG_API_KEY=********',
        'JOB_TIMEOUT=1.5',
      ]),
    );
  });
});

test('B18 secrets in the query or the login of an address are masked where it is shown or refused', () => {
  const shown = describeConfig(loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://hidden-key@otel.example.com/v1' }));
  expect(shown).toContain('OTEL_EXPORTER_OTLP_ENDPOINT=https://********@otel.example.com/v1');
  const address = 'https://otel.example.com/v1?api-key=hidden-key&tenant=hidden';
  for (const name of ['OTEL_EXPORTER_OTLP_ENDPOINT', 'S3_ENDPOINT', 'PUBLIC_URL', 'COMFYUI_URLS']) {
    const found = problems({ ...S3, [name]: address });
    expect(found).toEqual([expect.stringMatching(new RegExp(`^${name}: .*\\?api-key=\\*{8}&tenant=\\*{8}`))]);
    expect(found.join()).not.toContain('hidden');
  }
  const config = loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:hidden-otel@otel:4318' });
  expect(secretsIn(config)).toContain('hidden-otel');
});

test('a server of the longest host name has a name of its own that fits', () => {
  const label = 'g'.repeat(63);
  const { backends } = loadConfig({ COMFYUI_URLS: `http://${label}:8188,http://${label}.lan:8188` }).comfyui;
  expect(backends?.map(({ name }) => name)).toEqual([`${'g'.repeat(50)}-8188`, `${'g'.repeat(50)}-8188-2`]);
});

describe('JWTs', () => {
  const jwt = {
    AUTH: 'keys,jwt',
    JWT_ISSUER: 'https://login.example.com/',
    JWT_AUDIENCE: 'comfygate, https://b.example',
  };

  test('an issuer and an audience are enough for them', () => {
    const config = loadConfig(jwt);
    expect(config.http.auth).toEqual(['keys', 'jwt']);
    expect(config.jwt).toEqual({
      issuer: 'https://login.example.com/',
      audiences: ['comfygate', 'https://b.example'],
      jwksUrl: 'https://login.example.com/.well-known/jwks.json',
      algorithms: ['RS256', 'ES256', 'EdDSA'],
      clockSkewMs: 30_000,
      callerClaim: 'sub',
      planClaim: undefined,
      scopesClaim: undefined,
      defaultPlan: 'free',
      defaultScopes: ['job:read', 'job:write', 'workflow:*'],
    });
    const lines = describeConfig(config).split('\n');
    expect(lines).toEqual(expect.arrayContaining(['AUTH=keys,jwt', 'JWT_AUDIENCE=comfygate,https://b.example']));
    expect(loadConfig({}).jwt).toBeUndefined();
  });

  test.each([
    ['without an issuer', { JWT_ISSUER: '' }, 'JWT_ISSUER: expected a value, since AUTH has jwt'],
    ['without an audience', { JWT_AUDIENCE: '' }, 'JWT_AUDIENCE: expected a value, since JWT_ISSUER is set'],
    ['of an issuer over http', { JWT_ISSUER: 'http://login.example.com' }, /^JWT_JWKS_URL: expected a value/],
    ['of an issuer that is no address', { JWT_ISSUER: 'login' }, /^JWT_JWKS_URL: expected a value/],
    ['with keys over http', { JWT_JWKS_URL: 'http://login.example.com/keys' }, /^JWT_JWKS_URL: expected an https/],
    ['signed with a shared secret', { JWT_ALGORITHMS: 'RS256,HS256' }, /^JWT_ALGORITHMS: expected a list/],
    ['without a signature', { JWT_ALGORITHMS: 'none' }, /^JWT_ALGORITHMS: expected a list/],
    ['of a clock that is far off', { JWT_CLOCK_SKEW: '301' }, /^JWT_CLOCK_SKEW: expected seconds from 0 to 300/],
  ])('are not taken %s', (_name, given, problem) => {
    expect(problems({ ...jwt, ...given })).toEqual([expect.stringMatching(problem)]);
  });

  test('may have their keys on loopback, at an address with a query', () => {
    const here = { JWT_ISSUER: 'login', JWT_JWKS_URL: 'http://127.0.0.1:8080/keys?tenant=1' };
    expect(loadConfig({ ...jwt, ...here }).jwt?.jwksUrl).toBe('http://127.0.0.1:8080/keys?tenant=1');
  });
});

test('whoever opens the gateway to others says how they are told apart', () => {
  for (const AUTH of ['none', 'keys']) expect(problems({ HOST: '0.0.0.0', AUTH })).toEqual([]);
  expect(problems({ HOST: '0.0.0.0' })).toEqual([expect.stringMatching(/^HOST: /)]);
});
