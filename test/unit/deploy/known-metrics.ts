import { everyMetric } from '../../support/every-metric.ts';

/** Label names of each metric that gateway and worker have, by the names under which Prometheus stores its series. */
export function knownMetrics(): Map<string, string[]> {
  const known = new Map<string, string[]>();
  for (const { name, type, labelNames } of everyMetric()) add(known, name, type, labelNames);
  return known;
}

function add(known: Map<string, string[]>, name: string, type: string, labels: string[]): void {
  if (type !== 'histogram') {
    known.set(name, labels);
    return;
  }
  known.set(`${name}_bucket`, [...labels, 'le']);
  for (const part of ['sum', 'count']) known.set(`${name}_${part}`, labels);
}
