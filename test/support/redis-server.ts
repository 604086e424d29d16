/** Redis as operators run it: a process with a configuration file, on the loopback, in a directory of its own. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, makeAuthority } from './certificate.ts';
import { type ReservedPort, reservePort } from './reserved-port.ts';
import { type Argument, type Reply, RespClient } from './resp-client.ts';
import { RunningProcess } from './running-process.ts';

import { until } from './until.ts';

export interface RedisOptions {
  /** The one way to reach it; `tcp` by default. With `tls` a client has to show a certificate. */
  readonly listen?: 'tcp' | 'unix' | 'tls';
  /** Of the default user. */
  readonly password?: string;
  /** Another user, whom the URL names. The default user has a password then. */
  readonly user?: {
    readonly name: string;
    readonly password: string;
    /** What it may do, in Redis's words; everything by default. */
    readonly rules?: string;
  };
  readonly replicaOf?: RedisServer;
  /** Directives of `redis.conf`; they replace those of the harness. */
  readonly config?: Readonly<Record<string, string>>;
  readonly sentinel?: boolean;
}

const START_TIMEOUT = 20_000;
const OLDEST = 7;
const DEFAULT_USERS_PASSWORD = 'of the default user';

const running = new Set<RedisServer>();

/** Resolves when the server answers; a replica, when it has what its master has. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), 'chihaya-redis-'));
  const server = new RedisServer(directory, options);
  running.add(server);
  try {
    await server.start();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Several at once: all of them, or none is left. */
export async function startRedises(options: readonly RedisOptions[]): Promise<RedisServer[]> {
  const results = await Promise.allSettled(options.map(startRedis));
  const started = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
  const failed = results.find((result) => result.status === 'rejected');
  if (!failed) return started;
  await Promise.all(started.map((server) => server.stop()));
  throw failed.reason;
}

/** Stops every server that this test file has started and not stopped. */
export async function stopRedisServers(): Promise<void> {
  await Promise.all([...running].map((server) => server.stop()));
}

/** Why there can be no such servers here; `undefined` if there can. */
export function whyNoRedis(): string | undefined {
  try {
    const version = execFileSync('redis-server', ['--version'], { encoding: 'utf8' });
    if (Number(/v=(\d+)/.exec(version)?.[1]) < OLDEST) return `redis-server must be of version ${OLDEST}`;
    execFileSync('openssl', ['version']);
    return undefined;
  } catch {
    return 'redis-server and openssl must be installed';
  }
}

export class RedisServer {
  readonly host = '127.0.0.1';
  readonly directory: string;
  /** Of the default user. */
  readonly password: string | undefined;
  /** Only with `listen: 'tls'`: who signed its certificate, and a certificate for clients. */
  readonly authority: Authority | undefined;
  readonly #options: RedisOptions;
  #port: ReservedPort | undefined;
  #process: RunningProcess | undefined;
  #client: Promise<RespClient> | undefined;

  /** Use `startRedis`. */
  constructor(directory: string, options: RedisOptions) {
    this.directory = directory;
    this.#options = options;
    this.password = options.password ?? (options.user && DEFAULT_USERS_PASSWORD);
    this.authority = options.listen === 'tls' ? makeAuthority(directory, [this.host]) : undefined;
  }

  /** 0 if it listens on a unix socket. */
  get port(): number {
    return this.#options.listen === 'unix' ? 0 : (this.#port?.port ?? 0);
  }

  /** `host:port`, as lists of nodes have it. */
  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** Of the unix socket, if it listens on one. */
  get socketPath(): string {
    return join(this.directory, 'redis.sock');
  }

  /** With the user and the password that a client needs. */
  get url(): string {
    const { listen = 'tcp', user, password } = this.#options;
    const name = encodeURIComponent(user?.name ?? '');
    const secret = user?.password ?? password;
    const login = secret === undefined ? '' : `${name}:${encodeURIComponent(secret)}@`;
    if (listen === 'unix') return `unix://${login}${this.socketPath}`;
    return `${listen === 'tls' ? 'rediss' : 'redis'}://${login}${this.address}`;
  }

  /** What it logged since it was started last. */
  get log(): string {
    return this.#process?.output ?? '';
  }

  /** A new connection, as the default user. */
  async connect(): Promise<RespClient> {
    const { listen } = this.#options;
    const { authority, host, port } = this;
    const tls = authority && {
      ca: readFileSync(authority.certificate),
      cert: readFileSync(authority.client.certificate),
      key: readFileSync(authority.client.key),
    };
    const client = await RespClient.open(listen === 'unix' ? { path: this.socketPath } : { host, port }, tls);
    if (this.password !== undefined) await client.command('AUTH', this.password);
    return client;
  }

  /** Has a command run by the default user, on a connection that is kept for the next one. */
  async command(...args: Argument[]): Promise<Reply> {
    return (await this.#connection()).command(...args);
  }

  /** The same for a command that answers one string. */
  async text(...args: Argument[]): Promise<string> {
    return (await this.#connection()).text(...args);
  }

  /** A field of `INFO`, or of `CLUSTER INFO` and the like. */
  async info(field: string, ...command: string[]): Promise<string> {
    const text = await this.text(...(command.length > 0 ? command : ['INFO']));
    const line = text.split('\r\n').find((each) => each.startsWith(`${field}:`));
    if (line === undefined) throw new Error(`there is no ${field} in what ${this.address} answers`);
    return line.slice(field.length + 1);
  }

  /** Stops the process where it stands: connections stay open, and nothing is answered from now on. */
  async pause(): Promise<void> {
    const child = this.#running;
    child.signal('SIGSTOP');
    if (process.platform !== 'linux') return;
    await until('the process to stop', () =>
      /^State:\tT/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8')),
    );
  }

  resume(): void {
    this.#running.signal('SIGCONT');
  }

  /** As when the machine dies, but that the system closes the connections. Resolves when it is dead. */
  async kill(): Promise<void> {
    await this.#running.stop('SIGKILL');
  }

  /** Starts it on the same port, after it was killed; if it runs it ends first as an operator would have it. */
  async restart(): Promise<void> {
    await this.#running.stop('SIGTERM');
    await this.#run();
  }

  /** For good. Its directory is removed. */
  async stop(): Promise<void> {
    if (!running.delete(this)) return;
    await this.#process?.stop('SIGKILL');
    await this.#port?.release();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Called by `startRedis`. */
  async start(): Promise<void> {
    this.#port = await reservePort();
    await writeFile(this.#configurationPath, this.#configuration());
    await this.#run();
    if (!this.#options.replicaOf) return;
    await until(
      'the replica to have what its master has',
      async () => (await this.info('master_link_status')) === 'up',
      START_TIMEOUT,
    );
  }

  get #configurationPath(): string {
    return join(this.directory, 'redis.conf');
  }

  get #running(): RunningProcess {
    if (!this.#process) throw new Error('the server has not been started');
    return this.#process;
  }

  async #run(): Promise<void> {
    const path = this.#configurationPath;
    const args = this.#options.sentinel ? [path, '--sentinel'] : [path];
    const child = new RunningProcess({ file: 'redis-server', args });
    this.#process = child;
    const failure = (what: string, cause?: unknown) =>
      new Error(`redis-server ${path} ${what}; it said:\n${child.output}`, { cause });
    try {
      await until('PONG', async () => child.ended || this.#isServedBy(child.pid), START_TIMEOUT);
    } catch (error) {
      throw failure(`does not answer on ${this.url}`, error);
    }
    if (child.ended) throw failure('ended');
  }

  /** Whether who answers is this process, and not a stranger's that has taken the port. */
  async #isServedBy(pid: number): Promise<boolean> {
    return (await this.text('PING')) === 'PONG' && (await this.info('process_id')) === String(pid);
  }

  async #connection(): Promise<RespClient> {
    // Its failure is not kept either.
    const open = await this.#client?.catch(() => undefined);
    if (!open || open.closed) this.#client = this.connect();
    return this.#client as Promise<RespClient>;
  }

  #configuration(): string {
    const { listen = 'tcp', user, replicaOf, config } = this.#options;
    const directives: Record<string, string> = {
      bind: this.host,
      port: listen === 'tcp' ? String(this.port) : '0',
      dir: this.directory,
      save: '""',
      // Whoever is stopped does not wait for replicas, and whoever replicates does not wait for others to join.
      'shutdown-timeout': '0',
      'repl-diskless-sync-delay': '0',
    };
    if (listen === 'unix') directives.unixsocket = this.socketPath;
    if (this.authority) {
      directives['tls-port'] = String(this.port);
      directives['tls-ca-cert-file'] = this.authority.certificate;
      directives['tls-cert-file'] = this.authority.server.certificate;
      directives['tls-key-file'] = this.authority.server.key;
      directives['tls-auth-clients'] = 'yes';
    }
    if (this.password !== undefined) {
      directives.requirepass = JSON.stringify(this.password);
      // Should it become a replica: of one of a group, who share a password.
      directives.masterauth = directives.requirepass;
    }
    if (user) directives[`user ${user.name}`] = `on >${user.password} ${user.rules ?? '~* &* +@all'}`;
    if (replicaOf) {
      directives.replicaof = `${replicaOf.host} ${replicaOf.port}`;
      if (replicaOf.password !== undefined) directives.masterauth = JSON.stringify(replicaOf.password);
    }
    const lines = Object.entries({ ...directives, ...config }).map(([name, value]) => `${name} ${value}`);
    return `${lines.join('\n')}\n`;
  }
}
