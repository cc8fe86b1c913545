import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { findProgram } from '../../support/find-program.ts';
import { scaledObject } from './keda.ts';
import { networkPolicy } from './network-policies.ts';
import { deployed } from './rules.ts';

const metadata = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  labels: z.record(z.string(), z.string()).default({}),
});
const matchLabels = z.strictObject({ matchLabels: z.record(z.string(), z.string()) });
const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });

/** Hardened as the strictest of Kubernetes' pod security standards asks, and then some. */
const container = z.object({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()),
  ports: z.array(z.object({ name: z.string(), containerPort: z.int() })),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  envFrom: z.array(z.strictObject({ configMapRef: z.object({ name: z.string() }) })),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.int() }) }) }).optional(),
  resources: z.object({
    requests: z.object({ cpu: z.string(), memory: z.string() }),
    limits: z.object({ memory: z.string() }),
  }),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
});
const deployment = z.object({
  kind: z.literal('Deployment'),
  metadata,
  spec: z.object({
    // They belong to an autoscaler.
    replicas: z.never().optional(),
    selector: matchLabels,
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        automountServiceAccountToken: z.literal(false),
        enableServiceLinks: z.literal(false),
        terminationGracePeriodSeconds: z.int(),
        securityContext: z.object({
          runAsNonRoot: z.literal(true),
          runAsUser: z.literal(1000),
          seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
        }),
        containers: z.tuple([container]),
        volumes: z.array(z.object({ name: z.string(), secret: z.object({ secretName: z.string() }).optional() })),
      }),
    }),
  }),
});
const service = z.object({
  kind: z.literal('Service'),
  metadata,
  spec: z.object({
    selector: z.record(z.string(), z.string()),
    ports: z.array(z.object({ name: z.string(), targetPort: z.string() })),
  }),
});
const budget = z.object({
  kind: z.literal('PodDisruptionBudget'),
  metadata,
  spec: z.object({ maxUnavailable: z.literal(1), selector: matchLabels }),
});
const autoscaler = z.object({
  kind: z.literal('HorizontalPodAutoscaler'),
  metadata,
  spec: z.object({ scaleTargetRef: z.object({ name: z.string() }), minReplicas: z.int().min(2) }),
});
const configMap = z.object({
  kind: z.literal('ConfigMap'),
  metadata,
  data: z.record(z.string(), z.string()).default({}),
});
/** kustomize breaks long values into lines, which Kubernetes passes over. */
const secretValue = z
  .string()
  .transform((text) => text.replaceAll('\n', ''))
  .pipe(z.base64());
const secret = z.object({ kind: z.literal('Secret'), metadata, data: z.record(z.string(), secretValue) });
const ingress = z.object({
  kind: z.literal('Ingress'),
  metadata,
  spec: z.object({
    rules: z.array(
      z.object({
        host: z.string(),
        http: z.object({
          paths: z.array(
            z.object({
              backend: z.object({ service: z.object({ name: z.string(), port: z.object({ name: z.string() }) }) }),
            }),
          ),
        }),
      }),
    ),
  }),
});
const namespace = z.object({ kind: z.literal('Namespace'), metadata });

const manifest = z.discriminatedUnion('kind', [
  autoscaler,
  budget,
  configMap,
  deployment,
  ingress,
  namespace,
  networkPolicy,
  scaledObject,
  secret,
  service,
]);
type Manifest = z.output<typeof manifest>;
export type Deployment = z.output<typeof deployment>;

/** Values as a person fills them into secrets.env. */
export const SECRETS = {
  REDIS_URL: 'redis://:password@redis:6379',
  S3_ACCESS_KEY: 'access',
  S3_SECRET_KEY: 'not-a-default',
};

/**
 * Runs kustomize on a folder of `deploy/kubernetes`, copied, with these secrets filled in; undefined leaves their file
 * out. `components` are added to an overlay by their names.
 */
export function runKustomize(
  folder: string,
  secrets: Record<string, string> | undefined,
  components: readonly string[] = [],
) {
  const copy = mkdtempSync(join(tmpdir(), 'comfygate-kustomize-'));
  onTestFinished(() => rmSync(copy, { recursive: true }));
  cpSync(deployed('kubernetes'), copy, { recursive: true, filter: (path) => !path.endsWith('/secrets.env') });
  const lines = Object.entries(secrets ?? {}).map(([name, value]) => `${name}=${value}\n`);
  if (secrets) writeFileSync(join(copy, folder, 'secrets.env'), lines.join(''));
  const named = components.map((name) => `  - ../../components/${name}\n`);
  if (named.length > 0) appendFileSync(join(copy, folder, 'kustomization.yaml'), `components:\n${named.join('')}`);
  const { status, stdout, stderr } = spawnSync(findProgram('kustomize') ?? '', ['build', join(copy, folder)], {
    encoding: 'utf8',
  });
  return { status, yaml: stdout, stderr };
}

/** Everything that `kubectl apply -k` would apply. What is wrong in each by itself is refused by the schemas here. */
export function buildManifests(folder: string, components: readonly string[] = [], secrets = SECRETS) {
  const { status, yaml, stderr } = runKustomize(folder, secrets, components);
  if (status !== 0) throw new Error(`kustomize build ${folder}: ${stderr}`);
  const all = parseAllDocuments(yaml).map((document) => manifest.parse(document.toJS()));
  return { yaml, all, of: <K extends Manifest['kind']>(kind: K) => all.filter((each) => isOf(each, kind)) };
}

function isOf<K extends Manifest['kind']>(each: Manifest, kind: K): each is Extract<Manifest, { kind: K }> {
  return each.kind === kind;
}
