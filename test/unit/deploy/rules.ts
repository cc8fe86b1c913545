import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';

const recording = z.strictObject({ record: z.string().regex(/^comfygate:\w+:\w+$/), expr: z.string() });
const alert = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().regex(/^\d+m$/),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({
    summary: z.string().min(1).max(60),
    description: z.string().min(1),
    runbook_url: z.string(),
  }),
});
const ruleFile = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(z.union([alert, recording])) })),
});

/** The file or folder of this name in `deploy/`. */
export function deployed(name: string): string {
  return new URL(`../../../deploy/${name}`, import.meta.url).pathname;
}

/** What `deploy/prometheus/alerts.yml` says. Every rule has all of its parts: that is in the schema. */
export function readRules() {
  const { groups } = ruleFile.parse(parse(readFileSync(deployed('prometheus/alerts.yml'), 'utf8')));
  const rules = groups.flatMap((group) => group.rules);
  return {
    alerts: rules.filter((rule) => 'alert' in rule),
    recordings: rules.filter((rule) => 'record' in rule),
    expressions: rules.map(({ expr }) => expr),
  };
}
