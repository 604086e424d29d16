/** `/metrics`: what Prometheus scrapes. */

import type { MetricsSource } from '../metric-report.ts';
import { METRICS_CONTENT_TYPE } from '../metric-set.ts';
import type { Page } from './page.ts';

export function metricsPage(metrics: MetricsSource): Page {
  return {
    path: '/metrics',
    answer: async () => ({
      status: 200,
      headers: { 'content-type': METRICS_CONTENT_TYPE },
      body: await metrics.text(),
    }),
  };
}
