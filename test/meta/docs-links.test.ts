/** What the documentation points at is there: pages, headings, files, npm scripts. */

import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesUnder, sources } from './sources.ts';

const pages = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'docs'].flatMap((path) =>
  filesUnder(path, '.md'),
);

/** Without blocks of code, where brackets and hashes mean other things. */
function prose(text: string): string {
  return text.replace(/^```.*?^```/gms, '');
}

/** The anchors that a page's headings get: lower case, punctuation dropped, spaces to hyphens. */
function anchors(path: string): string[] {
  return [...prose(readFileSync(path, 'utf8')).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

interface Link {
  readonly page: string;
  readonly target: string;
  /** From the project's root. */
  readonly path: string;
  readonly anchor: string | undefined;
}

const links: Link[] = pages.flatMap(({ path: page, text }) =>
  [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^https?:/.test(target))
    .map((target) => {
      const [file = '', anchor] = target.split('#');
      return { page, target, anchor, path: file === '' ? page : posix.join(posix.dirname(page), file) };
    }),
);

describe('links', () => {
  test('there are some', () => {
    expect(pages.length).toBeGreaterThanOrEqual(25);
    expect(links.length).toBeGreaterThan(100);
    expect(links.filter(({ anchor }) => anchor !== undefined).length).toBeGreaterThan(10);
  });

  test('lead to files that are there', () => {
    expect(links.filter(({ path }) => !existsSync(path))).toEqual([]);
  });

  test('lead to headings that are there', () => {
    const wrong = links.filter(
      ({ path, anchor }) => anchor !== undefined && existsSync(path) && !anchors(path).includes(anchor),
    );
    expect(wrong).toEqual([]);
  });

  test('lead from the README to every page', () => {
    const reached = new Set(['README.md']);
    for (const page of reached) {
      for (const link of links) if (link.page === page && link.path.endsWith('.md')) reached.add(link.path);
    }
    expect(pages.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
  });
});

/** What the walk through adding a hook adds. */
const WALKTHROUGH = /minimum-port/;

test('files that are named exist', () => {
  const named = pages.flatMap(({ path: page, text }) =>
    [...text.matchAll(/(?<![\w./-])(?:src|test|docs|dist|examples|scripts|\.ci)\/[\w./-]*\w\/?/g)].map(
      ([path]) => ({ page, path }),
    ),
  );
  expect(named.length).toBeGreaterThan(100);
  const wrong = named.filter(
    // Upper case stands for a name that is yet to be chosen.
    ({ path }) => !WALKTHROUGH.test(path) && !/[A-Z]{4}/.test(path) && !existsSync(path),
  );
  expect(wrong).toEqual([]);
});

test('npm scripts that are named exist', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const named = pages.flatMap(({ path: page, text }) =>
    [...text.matchAll(/\bnpm (?:run (?:--silent )?([\w:-]+)|(start|test)\b)/g)].map(([, script, short]) => ({
      page,
      script: script ?? short ?? '',
    })),
  );
  expect(new Set(named.map(({ script }) => script)).size).toBeGreaterThanOrEqual(5);
  expect(named.filter(({ script }) => !Object.hasOwn(scripts, script))).toEqual([]);
  for (const script of ['start', 'test']) {
    expect(named).toContainEqual({ page: 'README.md', script });
  }
});

test('pages that comments in the source name exist', () => {
  const named = sources().flatMap(({ path, text }) =>
    [...text.matchAll(/\bdocs\/[\w./-]+\.md\b/g)].map(([page]) => ({ path, page })),
  );
  expect(named.length).toBeGreaterThanOrEqual(3);
  expect(named.filter(({ page }) => !existsSync(page))).toEqual([]);
});
