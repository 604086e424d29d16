/** The example of embedding, run as its readers run it. */

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('examples/embed.js', () => {
  const output = execFileSync(process.execPath, ['examples/embed.js'], { encoding: 'utf8' });
  expect(output.split('\n')).toEqual([
    expect.stringMatching(/^serving http:\/\/127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^serving udp:\/\/127\.0\.0\.1:\d+$/),
    expect.stringMatching(
      /^1000 bytes left: d8:completei0e10:incompletei1e8:intervali1800e12:min intervali900e5:peersld2:ip9:127\.0\.0\.17:peer id20:b{20}4:porti6881eeee$/,
    ),
    '2000000 bytes left: d14:failure reason39:this tracker serves small torrents onlye',
    'leechers: 1',
    'chihaya_http_requests_total{scheme="http"} 2',
    '',
  ]);
});
