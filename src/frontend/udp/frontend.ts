/**
 * The UDP frontend: a socket, and the handler of its packets. A reload replaces the handler, and the socket if its
 * address is another.
 */

import type { TrackerLogic } from '../../bittorrent/tracker-logic.ts';
import { FailureLog } from '../../pkg/failure-log.ts';
import { type ListenAddress, sameAddress } from '../../pkg/listen-address.ts';
import type { BoundAddress, Frontend, FrontendDependencies, PreparedChange } from '../frontend.ts';
import type { UdpOptions } from './config.ts';
import { ConnectionIds, LIFETIME } from './connection-id.ts';
import { UdpMetrics } from './metrics.ts';
import { PacketHandler } from './packet-handler.ts';
import { type ChosenKey, choosePrivateKey } from './private-key.ts';
import { openSocket } from './socket/open-socket.ts';
import type { UdpSocket } from './socket/socket.ts';
import { NO_LIMITS, sourceRates } from './source-rates.ts';

export const NOT_SERVED = 'udp.addr is not set: UDP is not served';

interface Serving {
  readonly socket: UdpSocket;
  readonly handler: PacketHandler;
  /** As it was asked for. */
  readonly addr: ListenAddress;
}

export class UdpFrontend implements Frontend<UdpOptions> {
  addresses: readonly BoundAddress[] = [];
  readonly #dependencies: FrontendDependencies;
  readonly #metrics = new UdpMetrics();
  readonly #failures: FailureLog;
  readonly #open = new Set<UdpSocket>();
  /** Packets that sockets lost which are closed. */
  #lost = 0;
  #rates = NO_LIMITS;
  #serving: Serving | undefined;
  #key: ChosenKey | undefined;
  /** The key before, and the second since 1970 up to which its ids are good. */
  #formerKey: { readonly key: string; readonly until: number } | undefined;
  #stopped: Promise<void> | undefined;

  static async open(options: UdpOptions, dependencies: FrontendDependencies): Promise<UdpFrontend> {
    const frontend = new UdpFrontend(dependencies);
    const change = await frontend.prepare(options, dependencies.logic);
    void change.commit();
    return frontend;
  }

  private constructor(dependencies: FrontendDependencies) {
    this.#dependencies = dependencies;
    this.#failures = new FailureLog(dependencies.logger);
    this.#metrics.register(
      dependencies.metrics,
      () => this.#lostPackets(),
      () => this.#rates,
    );
  }

  async prepare(options: UdpOptions, logic: TrackerLogic): Promise<PreparedChange> {
    const { logger, reusePort, bound } = this.#dependencies;
    const { addr } = options;
    if (addr === undefined) {
      // Of several workers none needs to say what `settle` has said.
      if (!reusePort) logger.warn(NOT_SERVED);
      return {
        commit: () => this.#replace(undefined),
        abandon: async () => {},
      };
    }
    const key = choosePrivateKey(options, this.#key, logger);
    const kept = sameAddress(addr, this.#serving?.addr) ? this.#serving?.socket : undefined;
    const socket =
      kept ??
      (await openSocket(
        addr,
        {
          kind: options.socket,
          receiveBuffer: options.receive_buffer,
          reusePort,
          descriptor: bound?.take('dgram', addr),
        },
        logger,
      ));
    this.#open.add(socket);
    return {
      commit: () => {
        const metrics = this.#metrics;
        this.#rates = sourceRates(options, () => metrics.banned(), this.#rates);
        const dependencies = { socket, metrics, failures: this.#failures, rates: this.#rates };
        const handler = new PacketHandler(options, this.#ids(options, key), logic, dependencies);
        return this.#replace({ socket, handler, addr });
      },
      abandon: async () => {
        if (!kept) await this.#close(socket);
      },
    };
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#replace(undefined);
    return this.#stopped;
  }

  cut(): void {
    for (const socket of this.#open) void this.#close(socket);
  }

  /** Resolves when what served before has nothing left to do. */
  async #replace(serving: Serving | undefined): Promise<void> {
    const before = this.#serving;
    this.#serving = serving;
    this.addresses = serving ? [serving.socket.address] : [];
    serving?.socket.serve((batch) => serving.handler.handleBatch(batch));
    if (!before) return;
    const unwanted = before.socket !== serving?.socket;
    if (unwanted) await before.socket.drain();
    await before.handler.idle();
    if (unwanted) await this.#close(before.socket);
  }

  /** Clients go on with ids of the key before until these have had their time. */
  #ids({ max_clock_skew }: UdpOptions, chosen: ChosenKey): ConnectionIds {
    if (this.#key && this.#key.key !== chosen.key) {
      this.#formerKey = { key: this.#key.key, until: Math.floor(Date.now() / 1000) + LIFETIME };
    }
    this.#key = chosen;
    const former = this.#formerKey && {
      ids: new ConnectionIds(this.#formerKey.key, max_clock_skew),
      until: this.#formerKey.until,
    };
    return new ConnectionIds(chosen.key, max_clock_skew, former);
  }

  /** Of all sockets, those closed included. */
  #lostPackets(): number | undefined {
    const told = [...this.#open].flatMap((socket) => (socket.lost ? [socket.lost()] : []));
    if (told.length === 0 && this.#lost === 0) return undefined;
    return told.reduce((sum, count) => sum + count, this.#lost);
  }

  async #close(socket: UdpSocket): Promise<void> {
    await socket.close();
    // It is told twice to close if a stop takes too long.
    if (this.#open.delete(socket)) this.#lost += socket.lost?.() ?? 0;
  }
}
