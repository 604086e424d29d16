/** The chart: its own figures, and, where Helm is installed, what comes of it. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseText } from '../../src/config/load.ts';
import { builtIn } from '../../src/server/built-in.ts';
import { runToEnd, testWith } from '../support/installed.ts';

const CHART = 'dist/helm/chihaya';
const SEVERAL = [
  '--set=autoscaling.enabled=true,config.storage.name=redis,config.udp.private_key=a-secret-text',
];

function template(...args: readonly string[]): { code: number | null; output: string } {
  return runToEnd('helm', ['template', 'tracker', CHART, ...args]);
}

// biome-ignore lint/suspicious/noExplicitAny: what an object has is told by its kind; the tests say what they expect.
type Manifest = Record<string, any>;

/** The objects that are made. */
function rendered(...args: readonly string[]): Manifest[] {
  return parseAllDocuments(template(...args).output).map((document) => document.toJS());
}

function theOne(kind: string, ...args: readonly string[]): Manifest {
  const found = rendered(...args).filter((object) => object.kind === kind);
  expect(found, kind).toHaveLength(1);
  return found[0] as Manifest;
}

test("the chart's version is the tracker's", () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8'))).toMatchObject({ version, appVersion: version });
});

test('its configuration loads without warnings', () => {
  const { config } = parse(readFileSync(`${CHART}/values.yaml`, 'utf8')) as { config: object };
  const { warnings } = parseText(JSON.stringify({ chihaya: config }), 'values.yaml', builtIn);
  expect(warnings).toEqual([]);
});

testWith('helm', 'helm lint', () => {
  expect(runToEnd('helm', ['lint', '--strict', CHART])).toMatchObject({ code: 0 });
});

describe('helm template', () => {
  testWith('helm', 'makes each object once, in versions of its API that are current', () => {
    const versions = rendered(...SEVERAL).map(({ kind, apiVersion }) => `${kind} ${apiVersion}`);
    expect(versions.toSorted()).toEqual([
      'Deployment apps/v1',
      'HorizontalPodAutoscaler autoscaling/v2',
      'NetworkPolicy networking.k8s.io/v1',
      'PodDisruptionBudget policy/v1',
      'Secret v1',
      'Service v1',
    ]);
    expect(rendered().map(({ kind }) => kind)).not.toContain('HorizontalPodAutoscaler');
  });

  testWith('helm', 'gives the tracker a configuration that it can read', () => {
    const text = theOne('Secret').stringData['chihaya.yaml'] as string;
    expect(parseText(text, 'chihaya.yaml', builtIn).warnings).toEqual([]);
  });

  testWith('helm', 'starts new pods when the configuration changes, and only then', () => {
    const checksum = (...args: string[]) =>
      theOne('Deployment', ...args).spec.template.metadata.annotations['checksum/config'] as string;
    expect(checksum()).toMatch(/^[0-9a-f]{64}$/);
    expect(checksum('--set=resources.requests.cpu=2')).toBe(checksum());
    expect(checksum('--set=config.announce_interval=20m')).not.toBe(checksum());
  });

  testWith('helm', 'keeps the metrics port inside', () => {
    const ports = theOne('Service').spec.ports as { targetPort: string }[];
    expect(ports.map(({ targetPort }) => targetPort)).toEqual(['http', 'udp']);
    const [everybody, monitoring] = theOne('NetworkPolicy').spec.ingress;
    expect(everybody.from).toBeUndefined();
    expect(everybody.ports.map(({ port }: { port: string }) => port)).toEqual(['http', 'udp']);
    expect(monitoring.from).toHaveLength(1);
    expect(monitoring.ports).toEqual([{ port: 'metrics', protocol: 'TCP' }]);
  });

  testWith('helm', 'asks the tracker for its health', () => {
    const [container] = theOne('Deployment').spec.template.spec.containers;
    expect(container.livenessProbe.httpGet).toEqual({ path: '/health/live', port: 'metrics' });
    expect(container.readinessProbe.httpGet).toEqual({ path: '/health/ready', port: 'metrics' });
  });

  testWith('helm', 'refuses several replicas that would know nothing of each other', () => {
    expect(template('--set=replicas=2')).toMatchObject({
      code: 1,
      output: expect.stringContaining('each would have swarms of its own'),
    });
    expect(template('--set=replicas=2,config.storage.name=redis')).toMatchObject({
      code: 1,
      output: expect.stringContaining('each would refuse the others'),
    });
  });
});
