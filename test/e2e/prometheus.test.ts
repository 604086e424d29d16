/** Prometheus itself: it scrapes the tracker, and its tool looks at what it is given. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { reservePort } from '../support/reserved-port.ts';
import { RunningProcess } from '../support/running-process.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { announcePacket, UdpClient } from '../support/udp-client.ts';
import { until } from '../support/until.ts';

function missing(program: string): boolean {
  return spawnSync(program, ['--version']).status !== 0;
}

const noPromtool = missing('promtool');
const noPrometheus = missing('prometheus');
const because = (program: string, lacking: boolean) =>
  lacking ? `: skipped, ${program} is not installed` : '';

/**
 * What promtool does not like about names that are the original's, so that its dashboards go on, and about those of
 * prom-client.
 */
const DISLIKED = [
  'chihaya_http_response_duration_milliseconds use base unit "seconds" instead of "milliseconds"',
  'chihaya_storage_gc_duration_milliseconds use base unit "seconds" instead of "milliseconds"',
  'chihaya_storage_infohashes_count non-histogram and non-summary metrics should not have "_count" suffix',
  'chihaya_storage_leechers_count non-histogram and non-summary metrics should not have "_count" suffix',
  'chihaya_storage_seeders_count non-histogram and non-summary metrics should not have "_count" suffix',
  'chihaya_udp_response_duration_milliseconds use base unit "seconds" instead of "milliseconds"',
  'nodejs_active_handles_total non-counter metrics should not have "_total" suffix',
  'nodejs_active_requests_total non-counter metrics should not have "_total" suffix',
  'nodejs_active_resources_total non-counter metrics should not have "_total" suffix',
];

/** A tracker that has something to tell of nearly every metric. */
async function startTracker(): Promise<TrackerProcess> {
  const tracker = await TrackerProcess.start({
    metrics_addr: '127.0.0.1:0',
    http: { addr: '127.0.0.1:0', enable_request_timing: true },
    udp: { addr: '127.0.0.1:0', private_key: 'a secret text', enable_request_timing: true },
    storage: { config: { gc_interval: '50ms', max_swarms: 1, prometheus_reporting_interval: '50ms' } },
    prehooks: [{ name: 'client approval', options: { blacklist: ['XL0012'] } }],
  });
  onTestFinished(() => tracker.stop());
  await fetch(`${tracker.address('http')}announce?compact=1`);
  const client = await UdpClient.open(Number(tracker.address('udp').port));
  onTestFinished(() => client.close());
  const connectionId = await client.connect();
  await client.ask(announcePacket({ connectionId, event: 2 }));
  await client.ask(announcePacket({ connectionId, peerId: '-XL0012-abcdefghijkl' }));
  return tracker;
}

test.skipIf(noPromtool)(`promtool reads the metrics${because('promtool', noPromtool)}`, async () => {
  const tracker = await startTracker();
  const input = await until('a collection', async () => {
    const text = await (await fetch(tracker.metrics as string)).text();
    return text.includes('chihaya_storage_gc_duration_milliseconds_count') && text;
  });
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
  const problems = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  expect(problems.toSorted()).toEqual(DISLIKED);
  // 3 is for dislikes; 1 would be for what it cannot read.
  expect(status).toBe(3);
});

test.skipIf(noPrometheus)(
  `Prometheus scrapes the tracker${because('prometheus', noPrometheus)}`,
  async () => {
    const tracker = await startTracker();
    const directory = mkdtempSync(join(tmpdir(), 'chihaya-prometheus-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const config = {
      global: { scrape_interval: '1s' },
      scrape_configs: [
        { job_name: 'chihaya', static_configs: [{ targets: [new URL(tracker.metrics as string).host] }] },
      ],
    };
    // JSON is YAML.
    writeFileSync(join(directory, 'prometheus.yml'), JSON.stringify(config));
    const { port, release } = await reservePort();
    onTestFinished(release);
    const prometheus = new RunningProcess({
      file: 'prometheus',
      args: [
        `--config.file=${directory}/prometheus.yml`,
        `--storage.tsdb.path=${directory}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
    });
    onTestFinished(() => prometheus.stop());

    const query = async (expression: string): Promise<string[]> => {
      const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`;
      const { data } = (await (await fetch(url)).json()) as {
        data: { result: { value: [number, string] }[] };
      };
      return data.result.map(({ value }) => value[1]);
    };
    await until('a scrape', async () => (await query('up{job="chihaya"}')).includes('1'));
    expect(await query('chihaya_build_info')).toEqual(['1']);
    expect(await query('sum(chihaya_announces_total)')).toEqual(['1']);
    expect(await query('chihaya_announces_total{event="started",address_family="IPv4"}')).toEqual(['1']);
    expect(
      await query(
        'chihaya_udp_response_duration_milliseconds_count{action="announce",error="unapproved client"}',
      ),
    ).toEqual(['1']);
    expect(
      await query(
        'histogram_quantile(0.5, sum by (le) (chihaya_udp_response_duration_milliseconds_bucket{error=""})) > 0',
      ),
    ).toHaveLength(1);
    expect(await query('process_resident_memory_bytes > 1e6')).toHaveLength(1);
  },
);
