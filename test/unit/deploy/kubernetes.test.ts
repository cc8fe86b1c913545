import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { checkRole, loadConfig } from '../../../src/config/config.ts';
import { parseRedisAddress } from '../../../src/config/redis-address.ts';
import { settingsSchema } from '../../../src/config/settings.ts';
import { findProgram } from '../../support/find-program.ts';
import { readExpression } from './expressions.ts';
import { knownMetrics } from './known-metrics.ts';
import { buildManifests, type Deployment, runKustomize, SECRETS } from './manifests.ts';
import { deployed } from './rules.ts';

const validator = findProgram('kubernetes-validate');
const COMPONENTS = ['redis-cluster', 'redis-sentinel', 's3-elsewhere'];
const ROLES = ['gateway', 'worker'] as const;
type Role = (typeof ROLES)[number];
type Manifests = ReturnType<typeof buildManifests>;

describe.skipIf(findProgram('kustomize') === null)('deploy/kubernetes', () => {
  test.skipIf(validator === null)("meets Kubernetes' own schemas, with no field that they do not know", () => {
    for (const { yaml, all } of [buildManifests('base'), buildManifests('overlays/example', COMPONENTS)]) {
      const { status, output } = validate(yaml);
      expect(status, output).toBe(0);
      expect(output.match(/passed for resource/g), output).toHaveLength(all.length - 1);
      expect(output.match(/Couldn't find schema for kind (\w+)/g)).toEqual([
        "Couldn't find schema for kind ScaledObject",
      ]);
      expect(validate(yaml.replace('readinessProbe:', 'readynessProbe:')).status).not.toBe(0);
    }
  });

  test('names no namespace of its own until an overlay does', () => {
    for (const { kind, metadata } of buildManifests('base').all) {
      expect(metadata, `${kind} ${metadata.name}`).not.toHaveProperty('namespace');
    }
    for (const { kind, metadata } of buildManifests('overlays/example').all) {
      if (kind !== 'Namespace') expect(metadata, `${kind} ${metadata.name}`).toMatchObject({ namespace: 'comfygate' });
    }
  });

  test('has no default credentials: without them it does not build, and says where they go', () => {
    const { status, stderr } = runKustomize('overlays/example', undefined);
    expect(status).not.toBe(0);
    expect(stderr).toContain('secrets.env');
    const lines = readFileSync(deployed('kubernetes/overlays/example/secrets.env.example'), 'utf8').split('\n');
    const values = lines.filter((line) => line !== '' && !line.startsWith('#'));
    expect(values.sort()).toEqual(
      Object.keys(SECRETS)
        .map((name) => `${name}=`)
        .sort(),
    );
  });

  test.each(ROLES)('gives a %s a configuration that it takes, with secrets as files', (role) => {
    const manifests = buildManifests('overlays/example');
    const { env, config } = configOf(manifests, role);
    expect(() => checkRole(config, role)).not.toThrow();
    const known = Object.keys(settingsSchema('host').shape);
    expect(known).toEqual(expect.arrayContaining(Object.keys(env).map((name) => name.replace(/_FILE$/, ''))));
    for (const value of Object.values(SECRETS)) expect(Object.values(env)).not.toContain(value);
    expect(config.redis.url).toBe(SECRETS.REDIS_URL);
    expect(config.s3).toMatchObject({ accessKey: SECRETS.S3_ACCESS_KEY, secretKey: SECRETS.S3_SECRET_KEY });

    const { ports } = containerOf(deploymentOf(manifests, role));
    const listens = { ...(role === 'gateway' && { http: config.http.port }), private: config.admin?.port };
    expect(Object.fromEntries(ports.map(({ name, containerPort }) => [name, containerPort]))).toEqual(listens);
    expect(config.admin?.host).toBe('0.0.0.0');
    expect(config.http.host).toBe(role === 'gateway' ? '0.0.0.0' : '127.0.0.1');
    expect(config.http.auth).toEqual(role === 'gateway' ? ['keys'] : undefined);
    expect(config.comfyui.backends === undefined).toBe(role === 'gateway');
  });

  test('has a component for each other Redis and S3, with an address that the product takes', () => {
    expect(readdirSync(deployed('kubernetes/components')).sort()).toEqual(COMPONENTS);
    for (const component of ['redis-cluster', 'redis-sentinel']) {
      const text = readFileSync(deployed(`kubernetes/components/${component}/kustomization.yaml`), 'utf8');
      const REDIS_URL = /^# +REDIS_URL=(.+)$/m.exec(text)?.[1] ?? '';
      const manifests = buildManifests('overlays/example', [component], { ...SECRETS, REDIS_URL });
      for (const role of ROLES) {
        const { config } = configOf(manifests, role);
        expect(() => checkRole(config, role), component).not.toThrow();
        expect(parseRedisAddress(config.redis.url ?? '')?.kind).toBe(component.replace('redis-', ''));
      }
    }
  });

  test('allows the usual ComfyUI and MinIO in the namespace, and warns below the strictest standard', () => {
    const [namespace] = buildManifests('overlays/example').of('Namespace');
    expect(namespace?.metadata.labels).toEqual({
      'pod-security.kubernetes.io/enforce': 'baseline',
      'pod-security.kubernetes.io/warn': 'restricted',
      'pod-security.kubernetes.io/audit': 'restricted',
    });
  });

  test.each(ROLES)('gives a %s longer to stop than it takes', (role) => {
    const manifests = buildManifests('overlays/example');
    const deployment = deploymentOf(manifests, role);
    const lingersMs = (containerOf(deployment).lifecycle?.preStop.sleep.seconds ?? 0) * 1000;
    const { shutdownTimeoutMs } = configOf(manifests, role).config;
    const graceMs = deployment.spec.template.spec.terminationGracePeriodSeconds * 1000;
    expect(graceMs).toBeGreaterThan(lingersMs + shutdownTimeoutMs + 5_000);
    expect(lingersMs > 0).toBe(role === 'gateway');
  });

  test.each(ROLES)('asks a %s whether it lives where it answers before it has reached Redis', (role) => {
    const { ports, livenessProbe, startupProbe } = containerOf(deploymentOf(buildManifests('base'), role));
    expect(ports.map(({ name }) => name)).toContain('private');
    expect(livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'private' });
    expect(startupProbe.httpGet).toEqual({ path: '/healthz', port: 'private' });
  });

  test('keeps gateways in the Service while Redis is away, and asks workers whether they can work', () => {
    const manifests = buildManifests('base');
    const asked = (role: Role) => containerOf(deploymentOf(manifests, role)).readinessProbe.httpGet;
    expect(asked('gateway')).toEqual({ path: '/healthz', port: 'http' });
    expect(asked('worker')).toEqual({ path: '/readyz', port: 'private' });
  });

  test('selects by labels that the pods have, each its own', () => {
    const manifests = buildManifests('base');
    const pods = ROLES.map((role) => ({ role, labels: deploymentOf(manifests, role).spec.template.metadata.labels }));
    const selected = (wanted: Record<string, string>) =>
      pods
        .filter(({ labels }) => Object.entries(wanted).every(([name, value]) => labels[name] === value))
        .map(({ role }) => role);

    for (const role of ROLES) {
      expect(selected(deploymentOf(manifests, role).spec.selector.matchLabels)).toEqual([role]);
      const budget = manifests.of('PodDisruptionBudget').find(({ metadata }) => metadata.name === `comfygate-${role}`);
      expect(selected(budget?.spec.selector.matchLabels ?? {})).toEqual([role]);
    }
    const [service, ...others] = manifests.of('Service');
    expect(others).toEqual([]);
    expect(selected(service?.spec.selector ?? {})).toEqual(['gateway']);
    expect(service?.spec.ports).toEqual([{ name: 'http', targetPort: 'http' }]);
  });

  test('leads from the ingress to the gateway alone', () => {
    const manifests = buildManifests('overlays/example');
    const backends = manifests
      .of('Ingress')
      .flatMap(({ spec }) =>
        spec.rules.flatMap(({ host, http }) => http.paths.map(({ backend }) => ({ host, ...backend.service }))),
      );
    expect(backends).toEqual([
      { host: 'comfygate.example.com', name: manifests.of('Service')[0]?.metadata.name, port: { name: 'http' } },
    ]);
    expect(configOf(manifests, 'gateway').config.http.publicUrl).toBe(`https://${backends[0]?.host}`);
  });

  test('scales gateways by their load and workers by the jobs there are, never to none', async () => {
    const manifests = buildManifests('overlays/example');
    const [autoscaler, scaled] = [manifests.of('HorizontalPodAutoscaler'), manifests.of('ScaledObject')];
    expect(autoscaler.map(({ spec }) => spec.scaleTargetRef.name)).toEqual([
      deploymentOf(manifests, 'gateway').metadata.name,
    ]);
    expect(scaled.map(({ spec }) => spec.scaleTargetRef.name)).toEqual([
      deploymentOf(manifests, 'worker').metadata.name,
    ]);

    const known = await knownMetrics();
    for (const each of [...scaled, ...buildManifests('base').of('ScaledObject')]) {
      const { query } = each.spec.triggers[0].metadata;
      const { selectors, groupedBy } = readExpression(query);
      expect(selectors.map(({ metric }) => known.get(metric))).toEqual([groupedBy]);
    }
    const { backends = [], depth } = configOf(manifests, 'worker').config.comfyui;
    expect(Number(scaled[0]?.spec.triggers[0].metadata.threshold)).toBe(depth * backends.length);
  });
});

function validate(yaml: string) {
  const folder = mkdtempSync(join(tmpdir(), 'comfygate-validate-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'all.yaml');
  writeFileSync(file, yaml);
  const { status, stdout, stderr } = spawnSync(validator ?? '', ['--strict', file], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

function deploymentOf(manifests: Manifests, role: Role): Deployment {
  const found = manifests.of('Deployment').find(({ metadata }) => metadata.name === `comfygate-${role}`);
  if (!found) throw new Error(`no Deployment comfygate-${role}`);
  return found;
}

function containerOf({ spec }: Deployment) {
  return spec.template.spec.containers[0];
}

/**
 * The variables that the container gets, and the configuration that the product makes of them and of the mounted
 * secrets.
 */
function configOf(manifests: Manifests, role: Role) {
  const deployment = deploymentOf(manifests, role);
  const { envFrom, env: own, volumeMounts, args } = containerOf(deployment);
  expect(args).toEqual([role]);
  const env: Record<string, string> = {};
  for (const { configMapRef } of envFrom) {
    const map = manifests.of('ConfigMap').find(({ metadata }) => metadata.name === configMapRef.name);
    expect(map, configMapRef.name).toBeDefined();
    Object.assign(env, map?.data);
  }
  for (const { name, value } of own) env[name] = value;

  const mounted = mkdtempSync(join(tmpdir(), 'comfygate-secrets-'));
  onTestFinished(() => rmSync(mounted, { recursive: true }));
  const mount = volumeMounts.find(({ name }) => name === 'secrets')?.mountPath ?? '';
  const volume = deployment.spec.template.spec.volumes.find(({ name }) => name === 'secrets');
  const secret = manifests.of('Secret').find(({ metadata }) => metadata.name === volume?.secret?.secretName);
  for (const [name, value] of Object.entries(secret?.data ?? {})) {
    writeFileSync(join(mounted, name), Buffer.from(value, 'base64'));
  }
  const onThisMachine = Object.entries(env).map(([name, value]) => [
    name,
    name.endsWith('_FILE') ? value.replace(mount, mounted) : value,
  ]);
  return { env, config: loadConfig(Object.fromEntries(onThisMachine)) };
}
