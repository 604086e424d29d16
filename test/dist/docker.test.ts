/** The image and the Compose file name what there is. No engine is needed; what it would do is not seen here. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { runToEnd, testWith } from '../support/installed.ts';

const DOCKERFILE = 'dist/docker/Dockerfile';
const dockerfile = readFileSync(DOCKERFILE, 'utf8');

test('the image is built from files that are there and that .dockerignore lets through', () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  );
  const kept = [...readFileSync(`${DOCKERFILE}.dockerignore`, 'utf8').matchAll(/^!(.+)$/gm)].map(
    ([, name]) => name,
  );
  expect(copied.length).toBeGreaterThanOrEqual(8);
  expect(copied.filter((name) => !existsSync(name) || !kept.includes(name))).toEqual([]);
});

test('the image runs the program, and not as root', () => {
  const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: { chihaya: string } };
  expect(dockerfile).toContain(`ENTRYPOINT ["node", "/app/${bin.chihaya}"]`);
  expect(dockerfile).toMatch(/^USER 65532:65532$/m);
  expect(dockerfile).toMatch(/^HEALTHCHECK [\s\S]*\/health\/live/m);
});

testWith('hadolint', 'hadolint', () => {
  expect(runToEnd('hadolint', [DOCKERFILE])).toEqual({ code: 0, output: '' });
});

test('the Compose file mounts what is there, and opens the tracker only', () => {
  const { services } = parse(readFileSync('dist/docker/compose.yaml', 'utf8')) as {
    services: Record<string, { ports?: string[]; volumes?: string[] }>;
  };
  expect(Object.keys(services)).toEqual(['chihaya', 'redis', 'prometheus', 'grafana']);
  const mounted = Object.values(services)
    .flatMap(({ volumes = [] }) => volumes)
    .map((volume) => volume.split(':')[0] ?? '')
    .filter((path) => path.startsWith('.'));
  expect(mounted.length).toBeGreaterThanOrEqual(4);
  expect(mounted.filter((path) => !existsSync(join('dist/docker', path)))).toEqual([]);
  const open = Object.entries(services).flatMap(([name, { ports = [] }]) =>
    ports.filter((port) => !port.startsWith('127.0.0.1:')).map((port) => `${name} ${port}`),
  );
  expect(open).toEqual(['chihaya 6969:6969/tcp', 'chihaya 6969:6969/udp']);
});
