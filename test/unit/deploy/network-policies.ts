import ipaddr from 'ipaddr.js';
import * as z from 'zod';

// Strict: what is not understood here must not be passed over.
const selector = z.strictObject({ matchLabels: z.record(z.string(), z.string()).default({}) });
const peer = z.strictObject({
  podSelector: selector.optional(),
  namespaceSelector: selector.optional(),
  ipBlock: z.strictObject({ cidr: z.cidrv4().or(z.cidrv6()), except: z.array(z.cidrv4()).default([]) }).optional(),
});
const ports = z.array(
  z.strictObject({ port: z.union([z.int(), z.string()]), protocol: z.enum(['TCP', 'UDP']).default('TCP') }),
);
export const networkPolicy = z.object({
  kind: z.literal('NetworkPolicy'),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
  spec: z.strictObject({
    podSelector: selector,
    policyTypes: z.array(z.enum(['Ingress', 'Egress'])),
    ingress: z.array(z.strictObject({ from: z.array(peer).min(1), ports: ports.min(1) })).default([]),
    egress: z.array(z.strictObject({ to: z.array(peer).min(1), ports: ports.min(1) })).default([]),
  }),
});
export type NetworkPolicy = z.output<typeof networkPolicy>;
type Peer = z.output<typeof peer>;
type Direction = 'Ingress' | 'Egress';

export interface Pod {
  namespace: string;
  labels: Record<string, string>;
  /** By name. */
  ports?: Record<string, number>;
}
/** A pod, or what stands outside of the cluster. */
export type Party = Pod | { ip: string };
export interface Port {
  port: number;
  protocol?: 'TCP' | 'UDP';
}

/** Policies of its namespace that select a pod and speak of a direction. Without any, everything is let through. */
export function selecting(policies: NetworkPolicy[], pod: Pod, direction: Direction): NetworkPolicy[] {
  return policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === pod.namespace &&
      matches(spec.podSelector.matchLabels, pod.labels) &&
      spec.policyTypes.includes(direction),
  );
}

/**
 * Whether policies let a connection through: both ends have a say, and a pod that no policy selects lets everything
 * pass.
 */
export function letsThrough(policies: NetworkPolicy[], from: Party, to: Party, port: Port): boolean {
  const named = 'ip' in to ? {} : (to.ports ?? {});
  return allows('Egress', from, to) && allows('Ingress', to, from);

  function allows(direction: Direction, subject: Party, other: Party): boolean {
    if ('ip' in subject) return true;
    const own = selecting(policies, subject, direction);
    if (own.length === 0) return true;
    const rules = own.flatMap(({ spec }) =>
      direction === 'Ingress'
        ? spec.ingress.map((rule) => ({ peers: rule.from, ports: rule.ports }))
        : spec.egress.map((rule) => ({ peers: rule.to, ports: rule.ports })),
    );
    return rules.some(
      (rule) =>
        rule.peers.some((each) => isPeer(each, other, subject.namespace)) &&
        rule.ports.some(
          (each) =>
            (typeof each.port === 'string' ? named[each.port] : each.port) === port.port &&
            each.protocol === (port.protocol ?? 'TCP'),
        ),
    );
  }
}

function isPeer({ podSelector, namespaceSelector, ipBlock }: Peer, party: Party, ownNamespace: string): boolean {
  if ('ip' in party)
    return (
      ipBlock !== undefined && within(party.ip, ipBlock.cidr) && !ipBlock.except.some((each) => within(party.ip, each))
    );
  if (ipBlock) return false;
  const inNamespace = namespaceSelector
    ? matches(namespaceSelector.matchLabels, { 'kubernetes.io/metadata.name': party.namespace })
    : party.namespace === ownNamespace;
  return inNamespace && matches(podSelector?.matchLabels ?? {}, party.labels);
}

function within(ip: string, cidr: string): boolean {
  const [address, [network, bits]] = [ipaddr.parse(ip), ipaddr.parseCIDR(cidr)];
  return address.kind() === network.kind() && address.match(network, bits);
}

function matches(wanted: Record<string, string>, labels: Record<string, string>): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
