/**
 * The only file that knows the client library: a connection to one server, to the master that Sentinels name, or to
 * a cluster. It connects again by itself for as long as it is not closed, and queues nothing while it cannot send.
 *
 * The library writes every command with a system call of its own; here those of one turn of the event loop leave
 * together (`coalesce`). It takes no time itself over commands that are sent: client.ts does.
 */

import { Cluster, Command, Redis } from 'ioredis';
import type { NodeAddress } from './broker.ts';
import type { Endpoint } from './endpoint.ts';

export type Argument = string | number | Buffer;

/** A command on its way. */
export interface Sent {
  /** Strings in replies are Buffers. */
  readonly promise: Promise<unknown>;
  reject(error: Error): void;
}

export interface ConnectionEvents {
  /** Commands can be sent. */
  ready(): void;
  /** They no longer can, or still cannot. */
  lost(reason: string | undefined): void;
}

/** Milliseconds until the next attempt to connect: the first, and the longest. */
const FIRST_DELAY = 50;
const LONGEST_DELAY = 500;

/** Milliseconds that a node has for saying good-bye, and a Sentinel or a node of a cluster for naming others. */
const GOOD_BYE = 100;
const LONGEST_QUESTION = 1000;

export class Connection {
  readonly #redis: Redis | Cluster;
  readonly #streams = new WeakSet<object>();
  readonly #handshakes = new Set<NodeJS.Timeout>();
  readonly #connectTimeout: number;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(endpoint: Endpoint, events: ConnectionEvents) {
    this.#connectTimeout = endpoint.connectTimeout;
    this.#redis = endpoint.cluster ? openCluster(endpoint, endpoint.cluster) : openSingle(endpoint);
    let reason: string | undefined;
    this.#redis.on('ready', () => {
      reason = undefined;
      events.ready();
    });
    this.#redis.on('error', (error: Error) => {
      reason = error.message;
    });
    this.#redis.on('node error', (error: Error) => {
      reason = error.message;
    });
    this.#redis.on('close', () => events.lost(reason));
    // The library has given up: by a word of a Sentinel, for one, in the midst of looking for the master.
    this.#redis.on('end', () => {
      events.lost(reason);
      if (!this.#closed) this.#retry = setTimeout(() => this.#connect(), FIRST_DELAY);
    });
    if (this.#redis instanceof Redis) this.#attend(this.#redis);
    else this.#redis.on('+node', (node: Redis) => this.#attend(node));
    this.#connect();
  }

  get ready(): boolean {
    return this.#redis.status === 'ready';
  }

  send(name: string, args: Argument[]): Sent {
    const command = new Command(name, args as string[]);
    this.#redis.sendCommand(command);
    return command as Sent;
  }

  /** Drops everything and connects anew, as something has stopped to answer. */
  renew(): void {
    if (!this.ready) return;
    if (this.#redis instanceof Redis) this.#redis.stream.destroy();
    else this.#redis.disconnect(true);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    for (const timer of this.#handshakes) clearTimeout(timer);
    this.#redis.disconnect();
  }

  #connect(): void {
    // Whatever goes wrong is told by events.
    this.#redis.connect().catch(() => {});
  }

  /** Looks after the connection to one node, each time that it is made. */
  #attend(node: Redis): void {
    node.on('connect', () => {
      if (!this.#streams.has(node.stream)) {
        this.#streams.add(node.stream);
        coalesce(node.stream);
      }
      const { stream } = node;
      // A server that is stopped takes connections all the same, and then says nothing.
      const timer = setTimeout(() => stream.destroy(), this.#connectTimeout);
      this.#handshakes.add(timer);
      const done = () => {
        clearTimeout(timer);
        this.#handshakes.delete(timer);
        node.off('ready', done);
        node.off('close', done);
      };
      node.on('ready', done);
      node.on('close', done);
    });
  }
}

/** Has the chunks that are written in one turn of the event loop leave in one system call. */
function coalesce(stream: Redis['stream']): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let corked = false;
  const uncork = () => {
    corked = false;
    stream.uncork();
  };
  stream.write = (...args: unknown[]) => {
    if (!corked) {
      corked = true;
      stream.cork();
      setImmediate(uncork);
    }
    return write(...args);
  };
}

function openSingle(endpoint: Endpoint): Redis {
  const { sentinels, master } = endpoint;
  if (!sentinels) return new Redis({ ...common(endpoint), ...endpoint.address, db: endpoint.database });
  const tls = endpoint.tls ? { sentinelTLS: endpoint.tls } : {};
  return new Redis({
    ...common(endpoint),
    ...tls,
    db: endpoint.database,
    sentinels: sentinels.nodes.map((node) => ({ ...node })),
    name: master as string,
    ...(sentinels.username === undefined ? {} : { sentinelUsername: sentinels.username }),
    ...(sentinels.password === undefined ? {} : { sentinelPassword: sentinels.password }),
    enableTLSForSentinelMode: endpoint.tls !== undefined,
    sentinelCommandTimeout: Math.min(endpoint.connectTimeout, LONGEST_QUESTION),
    sentinelRetryStrategy: retryDelay,
    sentinelReconnectStrategy: () => LONGEST_QUESTION,
    // Sentinels tell of a new master before anybody would notice by himself.
    failoverDetector: true,
    // A master that has become a replica meanwhile: who is master now?
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  });
}

function openCluster(endpoint: Endpoint, nodes: readonly NodeAddress[]): Cluster {
  return new Cluster(
    nodes.map((node) => ({ ...node })),
    {
      lazyConnect: true,
      enableOfflineQueue: false,
      // It would ask any node, and wait for ever if that one hangs.
      enableReadyCheck: false,
      clusterRetryStrategy: retryDelay,
      slotsRefreshTimeout: Math.min(endpoint.connectTimeout, LONGEST_QUESTION),
      // A certificate is good for a name, not for its address.
      ...(endpoint.tls ? { dnsLookup: (name, done) => done(null, name) } : {}),
      redisOptions: common(endpoint),
    },
  );
}

/** The same for every node. */
function common(endpoint: Endpoint) {
  const { username, password, tls } = endpoint;
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls } : {}),
    lazyConnect: true,
    connectTimeout: endpoint.connectTimeout,
    disconnectTimeout: GOOD_BYE,
    retryStrategy: retryDelay,
    maxLoadingRetryTime: LONGEST_DELAY,
    protocol: 2 as const,
    disableClientInfo: true,
    // What cannot be sent fails at once, and so does what was sent when the connection is lost.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  };
}

function retryDelay(attempts: number): number {
  return Math.min(FIRST_DELAY * attempts, LONGEST_DELAY);
}
