import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { checkRole, loadConfig } from '../../src/config/config.ts';

const service = z.looseObject({
  ports: z.array(z.string()).default([]),
  networks: z.array(z.string()),
  environment: z.record(z.string(), z.string()).default({}),
  command: z.array(z.string()),
  healthcheck: z.object({ test: z.array(z.string()) }).loose(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  stop_grace_period: z.string().regex(/^\d+s$/),
});
const composeFile = z.object({
  services: z.record(z.string(), service),
  networks: z.looseObject({ inside: z.object({ internal: z.literal(true) }) }),
});

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const text = read('docker-compose.yml');
// Every service is hardened: that is in the schema.
const { services } = composeFile.parse(parse(text, { merge: true }));

/** What compose puts in for `${NAME}`, `${NAME:-default}` (nested, too) and `${NAME:?message}`. */
function substitute(value: string, env: Record<string, string>): string {
  const inner = /\$\{(\w+)(?::([-?])([^{}]*))?\}/;
  let result = value;
  for (let match = inner.exec(result); match; match = inner.exec(result)) {
    const [whole, name = '', kind, rest = ''] = match;
    if (!env[name] && kind === '?') throw new Error(rest);
    result = result.replace(whole, () => env[name] || (kind === '-' ? rest : ''));
  }
  return result;
}

function environment(name: string, env: Record<string, string>): Record<string, string> {
  const entries = Object.entries(services[name]?.environment ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, substitute(value, env)]));
}

const CREDENTIALS = { S3_ACCESS_KEY: 'access', S3_SECRET_KEY: 'not-a-default' };

describe('docker-compose.yml', () => {
  test('has the parts', () => {
    expect(Object.keys(services).sort()).toEqual(['gateway', 'minio', 'redis', 'simulator', 'worker']);
    expect(services.simulator).toMatchObject({ profiles: ['simulator'] });
  });

  test('publishes nothing but the gateway, and that on loopback', () => {
    for (const [name, { ports }] of Object.entries(services)) {
      expect(
        ports.map((port) => substitute(port, {})),
        name,
      ).toEqual(name === 'gateway' ? ['127.0.0.1:4000:4000'] : []);
    }
  });

  test('asks callers for API keys, unless it is told otherwise', () => {
    const auth = (env: Record<string, string>) => loadConfig(environment('gateway', { ...CREDENTIALS, ...env })).http;
    expect(auth({}).auth).toEqual(['keys']);
    expect(auth({ AUTH: 'none', TRUSTED_PROXIES: '172.16.0.0/12' })).toMatchObject({
      auth: ['none'],
      trustedProxies: ['172.16.0.0/12'],
    });
  });

  test('leaves what keeps data on a network without a way out', () => {
    expect(services.redis?.networks).toEqual(['inside']);
    expect(services.minio?.networks).toEqual(['inside']);
  });

  test('has no default credentials: without them it does not start, and says so', () => {
    for (const name of ['gateway', 'worker', 'minio']) {
      expect(() => environment(name, {}), name).toThrow(/set S3_ACCESS_KEY in \.env/);
      expect(() => environment(name, { S3_ACCESS_KEY: 'access' }), name).toThrow(/set S3_SECRET_KEY in \.env/);
    }
    expect(read('.env.example')).toMatch(/^S3_ACCESS_KEY=\nS3_SECRET_KEY=$/m);
  });

  test('gives gateway and worker a configuration that they take', () => {
    for (const role of ['gateway', 'worker'] as const) {
      expect(() => checkRole(loadConfig(environment(role, CREDENTIALS)), role), role).not.toThrow();
    }
    const { http, s3 } = loadConfig(environment('gateway', { ...CREDENTIALS, PORT: '8080' }));
    expect(http.publicUrl).toBe('http://localhost:8080');
    expect(s3?.publicEndpoint).toBe('http://localhost:8080');
  });

  test('looks after each: gateway and worker wait for what they need, and have longer to stop than they take', () => {
    for (const name of ['gateway', 'worker']) {
      expect(services[name]?.depends_on).toEqual({
        redis: { condition: 'service_healthy' },
        minio: { condition: 'service_healthy' },
      });
      const { shutdownTimeoutMs } = loadConfig(environment(name, CREDENTIALS));
      expect(Number.parseInt(services[name]?.stop_grace_period ?? '', 10) * 1000).toBeGreaterThan(shutdownTimeoutMs);
    }
  });

  test('asks each of its own processes with the command that is made for it', () => {
    const asks = ['gateway', 'worker', 'simulator'].map((name) => services[name]?.healthcheck.test.join(' '));
    expect(asks).toEqual([
      'CMD node src/cli/main.js health --ready',
      'CMD node src/cli/main.js health --live',
      'CMD node src/cli/main.js health --url http://127.0.0.1:8188/system_stats',
    ]);
    for (const role of ['gateway', 'worker'] as const) {
      expect(loadConfig(environment(role, CREDENTIALS)).admin, role).toEqual({ host: '127.0.0.1', port: 9464 });
    }
  });

  test('can be scraped where that is said, by the names of the example of a Prometheus', () => {
    const targets = [...read('deploy/prometheus/prometheus.yml').matchAll(/^ +static.*"(\w+):(\d+)"/gm)];
    expect(targets.map(([, name]) => name)).toEqual(['gateway', 'worker']);
    for (const [, name = '', port] of targets) {
      const { admin } = loadConfig(environment(name, { ...CREDENTIALS, ADMIN_HOST: '0.0.0.0' }));
      expect(admin).toEqual({ host: '0.0.0.0', port: Number(port) });
      expect(services[name]?.networks).toContain('inside');
    }
  });

  test('keeps what Redis acknowledged', () => {
    expect(services.redis?.command.join(' ')).toContain('--appendonly yes --appendfsync always');
    expect(services.redis?.command.join(' ')).toContain('--maxmemory-policy noeviction');
  });
});

test('.env.example names every setting and no other', () => {
  const named = [...read('.env.example').matchAll(/^#?([A-Z0-9_]+)=/gm)].map(([, name]) => name);
  const composeOnly = ['REDIS_MAXMEMORY'];
  const settings = [...read('src/config/settings.ts').matchAll(/^ {4}([A-Z0-9_]+): /gm)].map(([, name]) => name);
  expect(settings.length).toBeGreaterThan(20);
  expect(named.sort()).toEqual([...settings, ...composeOnly].sort());
});
