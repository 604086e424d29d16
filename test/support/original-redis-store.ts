/**
 * What the Go Chihaya does to Redis, command for command: the other tracker of a migration. It changes counters after
 * fields and not with them, and lets a peer be on both sides.
 */

import type { RespClient } from './resp-client.ts';

export class OriginalRedisStore {
  readonly #redis: RespClient;

  constructor(redis: RespClient) {
    this.#redis = redis;
  }

  async putSeeder(hex: string, field: Buffer): Promise<void> {
    const key = `IPv4_S_${hex}`;
    const [peer, swarm] = await this.#transaction(['HSET', key, field, now()], ['HSET', 'IPv4', key, now()]);
    if (peer === 1) await this.#redis.command('INCR', 'IPv4_S_count');
    if (swarm === 1) await this.#redis.command('INCR', 'IPv4_infohash_count');
  }

  async putLeecher(hex: string, field: Buffer): Promise<void> {
    const key = `IPv4_L_${hex}`;
    const [peer] = await this.#transaction(['HSET', key, field, now()], ['HSET', 'IPv4', key, now()]);
    if (peer === 1) await this.#redis.command('INCR', 'IPv4_L_count');
  }

  async deleteSeeder(hex: string, field: Buffer): Promise<void> {
    const deleted = await this.#redis.command('HDEL', `IPv4_S_${hex}`, field);
    if (deleted === 1) await this.#redis.command('DECR', 'IPv4_S_count');
  }

  async graduateLeecher(hex: string, field: Buffer): Promise<void> {
    const key = `IPv4_S_${hex}`;
    const [left, peer, swarm] = await this.#transaction(
      ['HDEL', `IPv4_L_${hex}`, field],
      ['HSET', key, field, now()],
      ['HSET', 'IPv4', key, now()],
    );
    if (left === 1) await this.#redis.command('DECR', 'IPv4_L_count');
    if (peer === 1) await this.#redis.command('INCR', 'IPv4_S_count');
    if (swarm === 1) await this.#redis.command('INCR', 'IPv4_infohash_count');
  }

  /** The fields of the peers of a side. */
  async peers(side: 'S' | 'L', hex: string): Promise<Buffer[]> {
    return (await this.#redis.command('HKEYS', `IPv4_${side}_${hex}`)) as Buffer[];
  }

  /** @param cutoff milliseconds since 1970 */
  async collectGarbage(cutoff: number): Promise<void> {
    for (const key of (await this.#redis.command('HKEYS', 'IPv4')) as Buffer[]) {
      const seeders = key.toString().startsWith('IPv4_S_');
      const entries = (await this.#redis.command('HGETALL', key)) as Buffer[];
      for (let i = 0; i < entries.length; i += 2) {
        if (BigInt(String(entries[i + 1])) > BigInt(cutoff) * 1_000_000n) continue;
        const deleted = await this.#redis.command('HDEL', key, entries[i] as Buffer);
        if (deleted === 1) await this.#redis.command('DECR', seeders ? 'IPv4_S_count' : 'IPv4_L_count');
      }
      if ((await this.#redis.command('HLEN', key)) !== 0) continue;
      await this.#transaction(
        ['HDEL', 'IPv4', key],
        ...(seeders ? [['DECR', 'IPv4_infohash_count'] as const] : []),
      );
    }
  }

  async #transaction(...commands: readonly (readonly (string | Buffer)[])[]): Promise<number[]> {
    await this.#redis.command('MULTI');
    for (const command of commands) await this.#redis.command(...command);
    return (await this.#redis.command('EXEC')) as number[];
  }
}

/** Nanoseconds, all of them. */
function now(): string {
  return `${Date.now()}${String(Math.floor(Math.random() * 1e6)).padStart(6, '0')}`;
}
