/**
 * `/health/live` and `/health/ready`: whether the process is to be left alone, and whether it can be sent requests. For
 * Kubernetes, load balancers and the like, which look at the status; the body tells people what is missing.
 */

import type { Health } from '../health.ts';
import type { Answer, Page } from './page.ts';

export function healthPages(health: Health): Page[] {
  return [
    // Whoever can answer at all is alive.
    { path: '/health/live', answer: () => json(200, { status: 'live' }) },
    {
      path: '/health/ready',
      answer: () => {
        const reasons = health.obstacles();
        return reasons.length === 0
          ? json(200, { status: 'ready' })
          : json(503, { status: 'not ready', reasons });
      },
    },
  ];
}

function json(status: number, value: object): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(value)}\n` };
}
