/** Metrics of parts that come and go. */

import { expect, test } from 'vitest';
import { PartMetrics } from '../../src/server/part-metrics.ts';
import { SummingRegistry } from '../../src/server/summing-registry.ts';

/** A part that counts and measures. */
function part() {
  const values = { counter: 0, gauge: 0 };
  const registry = new SummingRegistry();
  for (const type of ['counter', 'gauge'] as const) {
    registry.register({
      name: `test_${type}`,
      help: 'For a test.',
      type,
      collect: () => [{ labels: {}, value: values[type] }],
    });
  }
  return { registry, values };
}

test('counters never fall, gauges are those of what serves', () => {
  const metrics = new PartMetrics();
  const seen = () =>
    Object.fromEntries(metrics.report().map(({ name, samples }) => [name, samples[0]?.value]));
  const [first, second] = [part(), part()];
  metrics.add(first.registry);
  Object.assign(first.values, { counter: 5, gauge: 7 });
  expect(seen()).toEqual({ test_counter: 5, test_gauge: 7 });

  metrics.leave(first.registry);
  metrics.add(second.registry);
  Object.assign(second.values, { counter: 1, gauge: 2 });
  first.values.counter = 6;
  expect(seen()).toEqual({ test_counter: 7, test_gauge: 2 });

  metrics.remove(first.registry);
  first.values.counter = 100;
  expect(seen()).toEqual({ test_counter: 7, test_gauge: 2 });

  metrics.leave(second.registry);
  metrics.remove(second.registry);
  expect(seen()).toEqual({ test_counter: 7 });
});
