/** The alerts: that Prometheus reads them, that each fires when it should and not before, that each is explained. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { runToEnd, testWith } from '../support/installed.ts';

interface Rule {
  readonly alert?: string;
  readonly labels: { readonly severity: string };
}

const { groups } = parse(readFileSync('dist/prometheus/alerts.yaml', 'utf8')) as {
  groups: { rules: Rule[] }[];
};
const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);

test('docs/operating/alerts.md tells what to do about each alert', () => {
  const headings = [...readFileSync('docs/operating/alerts.md', 'utf8').matchAll(/^## `(Chihaya\w+)`$/gm)];
  expect(headings.map(([, name]) => name)).toEqual(alerts.map(({ alert }) => alert));
  expect(alerts.filter(({ labels }) => !['page', 'ticket'].includes(labels.severity))).toEqual([]);
});

test('each alert is tried in alerts.test.yaml', () => {
  const { tests } = parse(readFileSync('test/dist/alerts.test.yaml', 'utf8')) as {
    tests: { alert_rule_test: { alertname: string }[] }[];
  };
  const tried = tests.flatMap(({ alert_rule_test }) => alert_rule_test.map(({ alertname }) => alertname));
  expect(alerts.map(({ alert }) => alert).filter((alert) => !tried.includes(alert ?? ''))).toEqual([]);
});

testWith('promtool', 'promtool check rules', () => {
  const { code, output } = runToEnd('promtool', [
    'check',
    'rules',
    '--lint=all',
    '--lint-fatal',
    'dist/prometheus/alerts.yaml',
  ]);
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('SUCCESS') });
});

testWith('promtool', 'promtool check config', () => {
  const { code, output } = runToEnd('promtool', ['check', 'config', 'dist/prometheus/prometheus.yml']);
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('SUCCESS') });
});

testWith('promtool', 'the alerts fire when they should, and not before', () => {
  const { code, output } = runToEnd('promtool', ['test', 'rules', 'test/dist/alerts.test.yaml']);
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('SUCCESS') });
});
