import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { findProgram } from '../../support/find-program.ts';
import { readExpression } from './expressions.ts';
import { knownMetrics } from './known-metrics.ts';
import { deployed, readRules } from './rules.ts';

const promtool = findProgram('promtool');
const { alerts, recordings, expressions } = readRules();

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(promtool ?? '', args, { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe.skipIf(promtool === null)('promtool', () => {
  test('finds nothing wrong with the rules and the examples of a configuration', () => {
    for (const [kind, file] of [
      ['rules', 'prometheus/alerts.yml'],
      ['config', 'prometheus/prometheus.yml'],
      ['config', 'prometheus/prometheus.kubernetes.yml'],
    ] as const) {
      const { status, output } = run('check', kind, '--lint=all', '--lint-fatal', deployed(file));
      expect(status, output).toBe(0);
    }
  });

  test('sees each alert fire, and stay silent, where alerts.test.yml says so', () => {
    const { status, output } = run('test', 'rules', deployed('prometheus/alerts.test.yml'));
    expect(status, output).toBe(0);
  });
});

describe('deploy/prometheus', () => {
  test('has an alert for each way of failing, with how long it must last', () => {
    expect(new Map(alerts.map((alert) => [alert.alert, alert.for]))).toEqual(
      new Map([
        ['ComfyUIDown', '5m'],
        ['HighErrorRate', '5m'],
        ['QueueBacklog', '10m'],
        ['SlowGeneration', '5m'],
        ['NoWorkers', '2m'],
        ['StorageFailing', '2m'],
        ['RedisDown', '1m'],
        ['RedisNotDurable', '1m'],
      ]),
    );
  });

  test('leads from each alert to its section of docs/operations.md', () => {
    const operations = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
    const sections = [...operations.matchAll(/^### (.+)$/gm)].map(([, title]) => title);
    for (const { alert, annotations } of alerts) {
      expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`);
      expect(sections).toContain(alert);
    }
  });

  test('shows for every alert when it fires and when it does not', () => {
    const expected = z.object({
      tests: z.array(
        z.object({ alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })) }),
      ),
    });
    const { tests } = expected.parse(parse(readFileSync(deployed('prometheus/alerts.test.yml'), 'utf8')));
    const shown = tests.flatMap(({ alert_rule_test }) => alert_rule_test);
    for (const { alert } of alerts) {
      const own = shown.filter(({ alertname }) => alertname === alert);
      expect(own.filter(({ exp_alerts }) => exp_alerts.length > 0).length, alert).toBeGreaterThan(0);
      expect(own.filter(({ exp_alerts }) => exp_alerts.length === 0).length, alert).toBeGreaterThan(1);
    }
  });

  test('names only metrics and labels that there are', () => {
    const known = knownMetrics();
    for (const { record } of recordings) known.set(record, []);
    for (const expression of expressions) {
      const { selectors, groupedBy } = readExpression(expression);
      expect(selectors.length, expression).toBeGreaterThan(0);
      const labels = ['namespace', ...selectors.flatMap(({ metric }) => known.get(metric) ?? [])];
      for (const { metric, labels: selected } of selectors) {
        expect([...known.keys()], expression).toContain(metric);
        expect(known.get(metric), expression).toEqual(expect.arrayContaining(selected));
      }
      expect(labels, expression).toEqual(expect.arrayContaining(groupedBy));
    }
  });
});
