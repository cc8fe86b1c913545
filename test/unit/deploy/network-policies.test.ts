import { describe, expect, test } from 'vitest';
import { findProgram } from '../../support/find-program.ts';
import { buildManifests } from './manifests.ts';
import { letsThrough, type Party, type Pod, selecting } from './network-policies.ts';

const NAMESPACE = 'comfygate';
const pod = (labels: Record<string, string>, namespace = NAMESPACE): Pod => ({ namespace, labels });

describe.skipIf(findProgram('kustomize') === null)('network policies', () => {
  test('speak of both directions for every pod that is deployed', () => {
    const { policies, deployed } = installation();
    expect(deployed).toHaveLength(2);
    for (const each of deployed) {
      expect(selecting(policies, each, 'Ingress'), JSON.stringify(each.labels)).toHaveLength(1);
      expect(selecting(policies, each, 'Egress'), JSON.stringify(each.labels)).toHaveLength(1);
    }
  });

  test.each([
    { components: [], redis: '6379', more: [] },
    { components: ['redis-sentinel'], redis: '6379, 26379', more: [] },
    {
      components: ['redis-cluster'],
      redis: '6379',
      more: ['gateway -> a node of a cluster: 6379', 'worker -> a node of a cluster: 6379'],
    },
    {
      components: ['s3-elsewhere'],
      redis: '6379',
      more: ['gateway -> the internet by IPv6: 443', 'gateway -> the internet: 443'],
    },
  ])('let through what is needed, and nothing else: $components', ({ components, redis, more }) => {
    const { policies, gateway, worker } = installation(components);
    const comfyui = pod({ 'app.kubernetes.io/component': 'comfyui' });
    const parties: Record<string, Party> = {
      gateway,
      worker,
      comfyui,
      redis: pod({ 'app.kubernetes.io/name': 'redis' }),
      'a node of a cluster': pod({ 'app.kubernetes.io/name': 'redis-cluster' }),
      minio: pod({ 'app.kubernetes.io/name': 'minio' }),
      dns: pod({ 'k8s-app': 'kube-dns' }, 'kube-system'),
      ingress: pod({ 'app.kubernetes.io/name': 'ingress-nginx' }, 'ingress-nginx'),
      prometheus: pod({ 'app.kubernetes.io/name': 'prometheus' }, 'monitoring'),
      'another pod of monitoring': pod({}, 'monitoring'),
      'a pod beside': pod({ app: 'something-else' }),
      'another part of the product': pod({
        'app.kubernetes.io/name': 'comfygate',
        'app.kubernetes.io/part-of': 'comfygate',
      }),
      'a worker elsewhere': { ...worker, namespace: 'elsewhere' },
      'redis elsewhere': pod({ 'app.kubernetes.io/name': 'redis' }, 'elsewhere'),
      'the internet': { ip: '93.184.216.34' },
      'the internet by IPv6': { ip: '2606:2800:220:1::1' },
      'the node next door': { ip: '10.1.2.3' },
      'the metadata service': { ip: '169.254.169.254' },
      'a carrier-grade address': { ip: '100.64.0.1' },
      'a local IPv6 address': { ip: 'fd00::1' },
    };
    const ports = [53, 80, 443, 4000, 6379, 8188, 9000, 9464, 26379];
    const through = Object.entries(parties).flatMap(([from, source]) =>
      Object.entries(parties)
        .filter(([to]) => from !== to && [from, to].some((name) => ['gateway', 'worker', 'comfyui'].includes(name)))
        // What ComfyUI itself reaches is its operator's.
        .filter(([to]) => from !== 'comfyui' || ['gateway', 'worker'].includes(to))
        .map(([to, target]) => ({
          from,
          to,
          open: ports.filter((port) => letsThrough(policies, source, target, { port })),
        }))
        .filter(({ open }) => open.length > 0)
        .map(({ to, open }) => `${from} -> ${to}: ${open.join(', ')}`),
    );
    expect(through.sort()).toEqual(
      [
        'gateway -> dns: 53',
        'gateway -> minio: 9000',
        `gateway -> redis: ${redis}`,
        'ingress -> gateway: 4000',
        'prometheus -> gateway: 9464',
        'prometheus -> worker: 9464',
        'worker -> comfyui: 8188',
        'worker -> dns: 53',
        'worker -> minio: 9000',
        `worker -> redis: ${redis}`,
        'worker -> the internet by IPv6: 443',
        'worker -> the internet: 443',
        ...more,
      ].sort(),
    );
    const [source, dns] = [worker, pod({ 'k8s-app': 'kube-dns' }, 'kube-system')];
    expect(letsThrough(policies, source, dns, { port: 53, protocol: 'UDP' })).toBe(true);
  });
});

function installation(components: readonly string[] = []) {
  const manifests = buildManifests('overlays/example', components);
  const deployed = manifests.of('Deployment').map(({ spec }): Pod => {
    const { ports } = spec.template.spec.containers[0];
    return {
      ...pod(spec.template.metadata.labels),
      ports: Object.fromEntries(ports.map(({ name, containerPort }) => [name, containerPort])),
    };
  });
  const [gateway, worker] = deployed;
  if (!gateway || !worker) throw new Error('expected a gateway and a worker');
  return { policies: manifests.of('NetworkPolicy'), deployed, gateway, worker };
}
