/**
 * Reloads under load: announces over UDP, HTTP and HTTPS at a steady rate, and meanwhile ten reloads, each with other
 * hooks, another certificate and another interval, and one with a broken file. Every announce has to be answered, and
 * every configuration but the broken one has to have been in force. The tracker is on core 0, the generators on core 1.
 *
 *     --seconds N     of the load (30)
 *     --udp N         announces a second (20000)
 *     --http N        connections a second, every fifth of them TLS (500)
 *     --workers N     (1)
 *
 * Exits with 1 if an answer is lost or wrong, a configuration was never in force, or a descriptor is left open.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { makeCertificate } from '../../test/support/certificate.ts';
import { RunningProcess } from '../../test/support/running-process.ts';
import { GENERATOR_CORE, pinned } from '../load/pinning.ts';
import { print, printMachine, printTable, whole } from '../support/print.ts';
import { answeredOf, type TallyReport } from './tally.ts';
import { ReloadedTracker } from './tracker.ts';

const text = (value: number) => ({ type: 'string', default: String(value) }) as const;
const { values: flags } = parseArgs({
  options: { seconds: text(30), udp: text(20_000), http: text(500), workers: text(1) },
});
const seconds = Number(flags.seconds);

const RELOADS = 10;

const directory = mkdtempSync(join(tmpdir(), 'chihaya-reload-'));
const complaints: string[] = [];

/** The configuration after so many reloads. Hooks that find nothing to refuse, but have to be made. */
function configuration(reloads: number): object {
  const listed = Array.from({ length: 1000 }, (_, i) => (1000 * reloads + i).toString(16).padStart(40, '0'));
  return {
    workers: Number(flags.workers),
    announce_interval: `${1000 + reloads}s`,
    metrics_addr: '127.0.0.1:0',
    http: {
      addr: '127.0.0.1:0',
      https_addr: '127.0.0.1:0',
      tls_cert_path: join(directory, 'certificate.pem'),
      tls_key_path: join(directory, 'key.pem'),
      read_timeout: `${2 + reloads}s`,
    },
    udp: { addr: '127.0.0.1:0', max_numwant: 50 + reloads },
    storage: { config: { gc_interval: `${1 + reloads}s` } },
    prehooks: [
      { name: 'torrent approval', options: { blacklist: listed } },
      ...(reloads % 2 === 0
        ? []
        : [{ name: 'client approval', options: { blacklist: [`XX${1000 + reloads}`] } }]),
    ],
  };
}

function generator(file: string, args: Readonly<Record<string, number>>): RunningProcess {
  const words = Object.entries({ ...args, seconds }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const path = join(import.meta.dirname, file);
  const [program, ...rest] = pinned(GENERATOR_CORE, process.execPath, [path, ...words]);
  return new RunningProcess({ file: program, args: rest });
}

async function reportOf(child: RunningProcess): Promise<TallyReport> {
  const [line] = await child.waitFor(/^\{.*\}$/m, 1000 * seconds + 30_000);
  await child.stop();
  return JSON.parse(line) as TallyReport;
}

/** Ten reloads and a broken one, spread over the load. */
async function reloadMeanwhile(tracker: ReloadedTracker): Promise<void> {
  const pause = (1000 * seconds) / (RELOADS + 2);
  for (let reloads = 1; reloads <= RELOADS; reloads++) {
    await setTimeout(pause);
    makeCertificate(directory, ['127.0.0.1']);
    const milliseconds = await tracker.reload(configuration(reloads), /"msg":"reloaded"/);
    print(`reload ${reloads}: in force after ${whole(milliseconds)} ms`);
    if (reloads !== RELOADS / 2) continue;
    await setTimeout(pause / 2);
    await tracker.reload(
      { ...configuration(99), announce_intervall: '99s' },
      /"msg":"the configuration was not/,
    );
    print('a broken file: refused');
  }
}

function judge(what: string, report: TallyReport): readonly string[] {
  const answered = answeredOf(report);
  const lost = report.sent - answered - report.wrong;
  const complain = (text: string) => complaints.push(`${what}: ${text}`);
  if (lost > 0 || report.wrong > 0) complain(`${lost} lost, ${report.wrong} wrong: ${report.firstWrong}`);
  if (report.twice > 0) complain(`${report.twice} answered twice`);
  for (let reloads = 0; reloads <= RELOADS; reloads++) {
    if (!report.intervals[1000 + reloads]) complain(`nothing was answered by configuration ${reloads}`);
  }
  const others = Object.keys(report.intervals).filter((each) => Number(each) > 1000 + RELOADS);
  if (others.length > 0) complain(`answered by a configuration that is none: ${others.join(', ')}`);
  return [what, whole(report.sent), whole(answered), String(lost), String(report.wrong)];
}

makeCertificate(directory, ['127.0.0.1']);
const tracker = await ReloadedTracker.start(configuration(0), directory);
try {
  printMachine();
  print(
    `${flags.workers} worker(s), ${flags.udp} UDP announces/s, ${flags.http} HTTP connections/s, ${seconds} s`,
  );
  const udp = generator('paced-udp.js', { port: tracker.port('udp'), rate: Number(flags.udp) });
  const http = generator('paced-http.js', {
    http: tracker.port('http'),
    https: tracker.port('https'),
    rate: Number(flags.http),
  });
  await Promise.all([udp, http].map((child) => child.waitFor(/^started$/m, 30_000)));
  await reloadMeanwhile(tracker);
  const [ofUdp, ofHttp] = [await reportOf(udp), await reportOf(http)];
  printTable(
    ['', 'asked', 'answered', 'lost', 'wrong'],
    [judge('UDP', ofUdp), judge('HTTP and HTTPS', ofHttp)],
  );
  print(`${ofHttp.certificates} certificates were shown`);
  if (ofHttp.certificates !== RELOADS + 1) complaints.push(`${RELOADS + 1} certificates were to be shown`);
  const left = await tracker.descriptorsLeft();
  print(`${left} descriptors more are open than before`);
  if (left > 0) complaints.push('a descriptor is left open');
} finally {
  await tracker.stop();
  rmSync(directory, { recursive: true });
}
for (const what of complaints) print(`FAILED: ${what}`);
process.exitCode = complaints.length === 0 ? 0 : 1;
