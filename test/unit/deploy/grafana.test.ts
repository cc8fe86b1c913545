import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import * as z from 'zod';
import { findProgram } from '../../support/find-program.ts';
import { readExpression } from './expressions.ts';
import { knownMetrics } from './known-metrics.ts';
import { deployed } from './rules.ts';

const promtool = findProgram('promtool');

const place = z.object({ x: z.int().min(0), y: z.int().min(0), w: z.int().positive(), h: z.int().positive() });
const datasource = z.strictObject({ type: z.literal('prometheus'), uid: z.literal('$datasource') });
const target = z.object({ refId: z.string(), datasource, expr: z.string().min(1), legendFormat: z.string() });
const row = z.object({ type: z.literal('row'), id: z.int(), title: z.string().min(1), gridPos: place });
const panel = z.object({
  type: z.enum(['stat', 'timeseries', 'state-timeline', 'table']),
  id: z.int(),
  title: z.string().min(1),
  description: z.string().min(1),
  datasource,
  gridPos: place,
  targets: z.array(target).min(1),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string().min(1) }) }),
});
const dashboard = z.object({
  uid: z.literal('comfygate'),
  schemaVersion: z.literal(42),
  templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
  panels: z.array(z.discriminatedUnion('type', [row, panel])),
});

// Every panel has its title, description and unit, and asks the data source that is chosen: that is in the schema.
const { panels, templating } = dashboard.parse(JSON.parse(readFileSync(deployed('grafana/comfygate.json'), 'utf8')));
const charts = panels.filter((each) => each.type !== 'row');
const targets = charts.flatMap((chart) =>
  chart.targets.map(({ expr, legendFormat }) => ({ ...chart, expr, legendFormat })),
);

describe('deploy/grafana/comfygate.json', () => {
  test('lets one choose the data source and the installation', () => {
    expect(templating.list.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      'datasource: datasource',
      'namespace: query',
    ]);
    for (const { title, expr } of targets) {
      const { selectors } = readExpression(expr);
      for (const { labels } of selectors) expect(labels, title).toContain('namespace');
    }
  });

  test('has no two panels in one place, nor of one id', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x},${y}`), title).toBeUndefined();
          taken.set(`${x},${y}`, title);
        }
      }
    }
  });

  test('names only metrics and labels that there are, also in legends', () => {
    const known = knownMetrics();
    for (const { title, expr, legendFormat } of targets) {
      const { selectors, groupedBy } = readExpression(expr);
      const inLegend = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
      const found = ['namespace', 'job', 'instance'];
      for (const { metric, labels } of selectors) {
        const own = known.get(metric);
        expect(own, `${title}: ${metric}`).toBeDefined();
        found.push(...(own ?? []));
        expect([...(own ?? []), 'namespace'], title).toEqual(expect.arrayContaining(labels));
      }
      expect(found, title).toEqual(expect.arrayContaining([...groupedBy, ...inLegend]));
    }
  });

  test('shows every metric of its own', () => {
    const shown = new Set(targets.flatMap(({ expr }) => readExpression(expr).selectors.map(({ metric }) => metric)));
    const own = [...knownMetrics().keys()].filter((name) => /^comfygate_.*(?<!_sum|_count)$/.test(name));
    expect(own.length).toBeGreaterThan(20);
    expect(own.filter((name) => !shown.has(name) && !shown.has(name.replace(/_bucket$/, '_count')))).toEqual([]);
  });

  test.skipIf(promtool === null)('has only expressions that Prometheus takes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'comfygate-grafana-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const rules = targets.map(({ expr }, at) => ({ record: `panel:${at}`, expr: filledIn(expr) }));
    writeFileSync(join(folder, 'rules.yml'), stringify({ groups: [{ name: 'dashboard', rules }] }));
    const { status, stdout, stderr } = spawnSync(promtool ?? '', ['check', 'rules', join(folder, 'rules.yml')], {
      encoding: 'utf8',
    });
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).toContain(`${rules.length} rules found`);
  });
});

/** As Grafana fills in its variables. */
function filledIn(expression: string): string {
  const filled = expression.replaceAll('$__rate_interval', '1m').replaceAll('$namespace', '.*');
  expect(filled).not.toContain('$');
  return filled;
}
