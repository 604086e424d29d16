/**
 * aria2 and Transmission, each told to find peers through the tracker and in no other way: no DHT, no
 * peer exchange, no local discovery. The torrents of these tests are private besides (BEP 27).
 */

import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, RunningProcess } from './running-process.ts';

export interface Job {
  /** The network namespace it runs in; this one if there is none. */
  readonly namespace?: string | undefined;
  /** Where it listens for peers. */
  readonly port?: number;
  /** Where the client keeps its state. It is made. */
  readonly directory: string;
  /** Where the torrent's content is, or is to be. */
  readonly content: string;
  /** Path of the .torrent file. */
  readonly torrent: string;
  /** A PEM file; the one authority that the client trusts. */
  readonly authority?: string | undefined;
}

export interface TorrentClient {
  readonly name: string;
  /** Its program, to see whether it is installed. */
  readonly program: string;
  /** Starts the client; what is missing in `content` it downloads, then it seeds. */
  start(job: Job): Promise<RunningProcess>;
  /** What it prints when it has everything. */
  readonly complete: RegExp;
  /** Whether it waits, when it is told to end, until a tracker over HTTP has heard of it. */
  readonly leavesOverHttp: boolean;
}

const PEER_PORT = 6881;

export const aria2: TorrentClient = {
  name: 'aria2',
  program: 'aria2c',
  async start({ namespace, port = PEER_PORT, directory, content, torrent, authority }) {
    await mkdir(directory, { recursive: true });
    // biome-ignore format: one option a line
    const args = [
      '--no-conf',
      `--dir=${content}`,
      // Its UDP trackers need the DHT's socket. In a private torrent it asks no other node.
      '--enable-dht=true',
      `--dht-file-path=${join(directory, 'dht.dat')}`,
      '--enable-dht6=false',
      '--enable-peer-exchange=false',
      '--bt-enable-lpd=false',
      `--listen-port=${port}`,
      `--dht-listen-port=${port}`,
      '--check-integrity=true',
      '--file-allocation=none',
      '--seed-ratio=0',
      '--seed-time=60',
      '--console-log-level=notice',
      '--summary-interval=1',
      '--enable-color=false',
      ...(authority ? [`--ca-certificate=${authority}`] : []),
      torrent,
    ];
    return run({ file: 'aria2c', args, env: { HOME: directory }, namespace });
  },
  complete: /\bSEED\(/,
  leavesOverHttp: true,
};

export const transmission: TorrentClient = {
  name: 'Transmission',
  program: 'transmission-cli',
  async start({ namespace, port = PEER_PORT, directory, content, torrent, authority }) {
    await mkdir(directory, { recursive: true });
    const settings = {
      'dht-enabled': false,
      'lpd-enabled': false,
      'pex-enabled': false,
      'port-forwarding-enabled': false,
      'utp-enabled': false,
      'message-level': 3,
    };
    await writeFile(join(directory, 'settings.json'), JSON.stringify(settings));
    const args = ['-g', directory, '-M', '-p', String(port), '-w', content, torrent];
    const env = {
      HOME: directory,
      // It checks certificates only if it is told to.
      ...(authority ? { CURL_CA_BUNDLE: authority, TR_CURL_SSL_VERIFY: '1' } : {}),
    };
    return run({ file: 'transmission-cli', args, env, namespace });
  },
  complete: /Seeding, uploading/,
  leavesOverHttp: false,
};

/** Why some of these cannot be run; `undefined` if all can. */
export function whyNoClients(clients: readonly TorrentClient[]): string | undefined {
  const missing = clients.filter(({ program }) => !isInstalled(program)).map(({ program }) => program);
  return missing.length > 0 ? `${missing.join(' and ')} must be installed` : undefined;
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function run(command: Command): RunningProcess {
  return new RunningProcess(command);
}
