/** What the dashboard and the alerts ask for is there: every metric, its type fit for the question, every label. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { runToEnd, testWith } from '../support/installed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { record?: string; alert?: string; expr: string }[];
  }[];
}

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

const rules = (parse(readFileSync('dist/prometheus/alerts.yaml', 'utf8')) as Rules).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(readFileSync('dist/grafana/chihaya.json', 'utf8')) as { panels: Panel[] };
const questions = [
  ...rules.map(({ record, alert, expr }) => ({ asker: record ?? alert ?? '', expr })),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ asker: title, expr })),
  ),
];

/** Metric name to type, as the page has them, and what Prometheus or the rules add. */
const types = new Map([
  ...[...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(chihaya_\w+)` \| (\w+) \|/gm)].map(
    ([, name = '', type = '']) => [name, type] as const,
  ),
  ...rules.flatMap(({ record }) => (record === undefined ? [] : [[record, 'gauge'] as const])),
  ['up', 'gauge'],
  ['process_cpu_seconds_total', 'counter'],
  ['process_resident_memory_bytes', 'gauge'],
  ['process_open_fds', 'gauge'],
  ['process_max_fds', 'gauge'],
]);

/** The metrics of an expression, and whether it asks for their rate. */
function metricsOf(expr: string): { name: string; rated: boolean }[] {
  return [...expr.matchAll(/((?:rate|increase)\()?\b((?:chihaya|process)[_:][\w:]+|up\b)/g)].map(
    ([, rated, name = '']) => ({ name, rated: rated !== undefined }),
  );
}

test('there are questions, and each is about a metric', () => {
  expect(rules.length).toBeGreaterThanOrEqual(10);
  expect(dashboard.panels.length).toBeGreaterThanOrEqual(20);
  expect(questions.filter(({ expr }) => metricsOf(expr).length === 0)).toEqual([]);
});

test('every metric is listed in docs/metrics.md, and rates are asked of what only grows', () => {
  const wrong = questions.flatMap(({ asker, expr }) =>
    metricsOf(expr).flatMap(({ name, rated }) => {
      const base = name.replace(/_(?:bucket|count|sum)$/, '');
      const type = types.get(name) ?? (types.get(base) === 'histogram' ? 'counter' : undefined);
      return type === undefined || rated !== (type === 'counter') ? [{ asker, name, type, rated }] : [];
    }),
  );
  expect(wrong).toEqual([]);
});

test('every label that is asked for is documented', () => {
  const documented = new Set(
    [...readFileSync('docs/metrics.md', 'utf8').matchAll(/`([a-z_]+)`/g)].map(([, label]) => label),
  );
  const given = ['job', 'instance', 'le', 'protocol'];
  const asked = questions.flatMap(({ expr }) => [
    ...[...expr.matchAll(/(\w+)=~?!?"/g)].map(([, label = '']) => label),
    ...[...expr.matchAll(/by \(([^)]+)\)/g)].flatMap(([, labels = '']) => labels.split(', ')),
  ]);
  expect(asked.length).toBeGreaterThan(50);
  expect([...new Set(asked)].filter((label) => !documented.has(label) && !given.includes(label))).toEqual([]);
});

describe('the dashboard', () => {
  test('has no two panels in one place', () => {
    const taken = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x},${y}`), title).toBeUndefined();
          taken.set(`${x},${y}`, title);
        }
      }
    }
  });

  testWith('promtool', 'asks in PromQL that Prometheus can read', () => {
    const asRules = dashboard.panels
      .flatMap(({ targets = [] }) => targets)
      .map(({ expr }, i) => ({
        record: `question:${i}`,
        expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
      }));
    const path = join(temporaryDirectory(), 'rules.yaml');
    // JSON is YAML.
    writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboard', rules: asRules }] }));
    const { code, output } = runToEnd('promtool', ['check', 'rules', path]);
    expect(output).toContain(`SUCCESS: ${asRules.length} rules found`);
    expect(code).toBe(0);
  });
});
