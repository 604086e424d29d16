/** The servers that the tests of the Redis store start are what those tests take them for. */

import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { SecureContextOptions } from 'node:tls';
import { expect, it } from 'vitest';
import { type Authority, type Certificate, makeAuthority } from '../../support/certificate.ts';
import { describeWithRedis } from '../../support/describe-with-redis.ts';
import { startCluster } from '../../support/redis-cluster.ts';
import { startSentinelGroup } from '../../support/redis-sentinel.ts';
import { startRedis } from '../../support/redis-server.ts';
import { RespClient, RespError } from '../../support/resp-client.ts';
import { until } from '../../support/until.ts';

describeWithRedis('one Redis server', () => {
  it('keeps bytes as they are, and keeps nothing when it is restarted', async () => {
    const server = await startRedis();
    const field = Buffer.from('00ff0d0a2b2d', 'hex');
    expect(await server.command('HSET', 'key', field, 'value')).toBe(1);
    expect(await server.command('HGETALL', 'key')).toEqual([field, Buffer.from('value')]);
    expect(await server.command('HGET', 'key', 'other')).toBeNull();
    expect(await server.command('EVAL', "return {1, {'a', redis.error_reply('NO b')}}", 0)).toEqual([
      1,
      [Buffer.from('a'), new RespError('NO b')],
    ]);
    await expect(server.command('GET', 'key')).rejects.toMatchObject({ code: 'WRONGTYPE' });

    const { url } = server;
    expect(url).toBe(`redis://127.0.0.1:${server.port}`);
    await server.restart();
    expect(server.url).toBe(url);
    expect(await server.command('DBSIZE')).toBe(0);
  });

  it('says why it does not start, and leaves nothing behind', async () => {
    const error: Error = await startRedis({ config: { 'no-such-directive': '1' } }).catch((reason) => reason);
    expect(error.message).toContain("'no-such-directive 1'");
    const [, directory] = /redis-server (\S+)\/redis\.conf ended/.exec(error.message) ?? [];
    expect(dirname(directory as string)).toBe(tmpdir());
    expect(existsSync(directory as string)).toBe(false);
  });

  it('keeps everything if it is told to', async () => {
    const server = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } });
    await server.command('SET', 'key', 'value');
    await server.kill();
    await expect(server.command('PING')).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    expect(await server.text('GET', 'key')).toBe('value');
  });

  it('answers nothing while it is paused', async () => {
    const server = await startRedis();
    const client = await server.connect();
    await server.pause();
    const answer = client.text('PING');
    expect(await Promise.race([answer, wait(50, 'nothing')])).toBe('nothing');
    server.resume();
    expect(await answer).toBe('PONG');
  });

  it('is full until it is given more', async () => {
    const server = await startRedis({ config: { maxmemory: '2mb', 'maxmemory-policy': 'noeviction' } });
    const fill = async () => {
      for (let i = 0; i < 100; i++) await server.command('SET', `key${i}`, Buffer.alloc(50_000));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'OOM' });
    expect(await server.command('GET', 'key0')).toEqual(Buffer.alloc(50_000));
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    expect(await server.text('SET', 'other', 'value')).toBe('OK');
  });

  it('refuses to write on a replica', async () => {
    const master = await startRedis({ password: 'of "the" master' });
    await master.command('SET', 'key', 'value');
    const replica = await startRedis({ replicaOf: master });
    expect(await replica.text('GET', 'key')).toBe('value');
    await expect(replica.command('SET', 'key', 'other')).rejects.toMatchObject({ code: 'READONLY' });
  });

  it('has a password', async () => {
    const server = await startRedis({ password: 'p@ss:w/rd "%' });
    expect(server.url).toBe(`redis://:p%40ss%3Aw%2Frd%20%22%25@127.0.0.1:${server.port}`);
    const stranger = await RespClient.open({ host: server.host, port: server.port });
    await expect(stranger.command('PING')).rejects.toMatchObject({ code: 'NOAUTH' });
    expect(await stranger.text('AUTH', 'p@ss:w/rd "%')).toBe('OK');
    expect(await server.text('PING')).toBe('PONG');
  });

  it('has a user who may not do everything', async () => {
    const user = { name: 'tracker', password: 'secret', rules: '~IPv4* +@all -flushall' };
    const server = await startRedis({ user });
    expect(server.url).toBe(`redis://tracker:secret@127.0.0.1:${server.port}`);
    const client = await RespClient.open({ host: server.host, port: server.port });
    await expect(client.command('PING')).rejects.toMatchObject({ code: 'NOAUTH' });
    await client.command('AUTH', 'tracker', 'secret');
    expect(await client.text('SET', 'IPv4_key', 'value')).toBe('OK');
    await expect(client.command('SET', 'key', 'value')).rejects.toMatchObject({ code: 'NOPERM' });
    await expect(client.command('FLUSHALL')).rejects.toMatchObject({ code: 'NOPERM' });
    expect(await server.text('FLUSHALL')).toBe('OK');
  });

  it('listens on a unix socket alone', async () => {
    const server = await startRedis({ listen: 'unix' });
    expect(server.url).toBe(`unix://${server.socketPath}`);
    expect(statSync(server.socketPath).isSocket()).toBe(true);
    expect(await server.info('tcp_port')).toBe('0');
    await server.restart();
    expect(await server.text('PING')).toBe('PONG');
  });

  it('speaks TLS with those who show a certificate', async () => {
    const server = await startRedis({ listen: 'tls' });
    expect(server.url).toBe(`rediss://127.0.0.1:${server.port}`);
    const address = { host: server.host, port: server.port };
    const { certificate, client, server: own } = server.authority as Authority;
    const ca = readFileSync(certificate);
    const identity = (of: Certificate) => ({
      cert: readFileSync(of.certificate),
      key: readFileSync(of.key),
    });

    const known = await RespClient.open(address, { ca, ...identity(client) });
    expect(await known.text('PING')).toBe('PONG');
    // With TLS 1.3 the server looks at the certificate after the client has what it needs.
    const ping = async (tls?: SecureContextOptions) => (await RespClient.open(address, tls)).text('PING');
    await expect(ping({ ca })).rejects.toThrow('certificate required');
    const directory = mkdtempSync(join(server.directory, 'stranger-'));
    const stranger = makeAuthority(directory, [server.host]);
    await expect(ping({ ca, ...identity(stranger.client) })).rejects.toThrow(/unknown ca|ECONNRESET/);
    await expect(ping({ ca: readFileSync(stranger.certificate), ...identity(client) })).rejects.toThrow(
      'self-signed',
    );
    await expect(ping()).rejects.toThrow();
    expect(own.certificate).not.toBe(client.certificate);
  });
});

describeWithRedis('a Sentinel group', () => {
  it('has another master when one dies, and takes it back as a replica', async () => {
    const group = await startSentinelGroup({ password: 'shared' });
    const first = await group.master();
    expect(first).toBe(group.servers[0]);
    expect(await Promise.all(group.servers.map((server) => server.info('role')))).toEqual([
      'master',
      'slave',
      'slave',
    ]);
    await first.command('SET', 'key', 'value');
    expect(await first.command('WAIT', 2, 5000)).toBe(2);

    const second = await group.failover();
    expect(group.servers.slice(1)).toContain(second);
    expect(await second.text('GET', 'key')).toBe('value');
    expect(await second.text('SET', 'key', 'other')).toBe('OK');

    await first.restart();
    await until('the dead master to follow the next', async () => {
      return (await first.info('role')) === 'slave' && (await first.info('master_link_status')) === 'up';
    });
    expect(await first.text('GET', 'key')).toBe('other');
    expect(await group.master()).toBe(second);
  });
});

describeWithRedis('a cluster', () => {
  it('promotes the replica of a master that dies, and takes that back as its replica', async () => {
    const cluster = await startCluster({ password: 'shared' });
    expect(await cluster.masters()).toEqual(cluster.nodes.slice(0, 3));
    // Slot 12182 of 16384, by the specification's hash of a tag.
    const owner = await cluster.ownerOf('a{foo}b');
    expect(owner).toBe(cluster.nodes[2]);
    await owner.command('SET', 'a{foo}b', 'value');
    expect(await owner.command('WAIT', 1, 5000)).toBe(1);
    await expect(cluster.nodes[0]?.command('GET', 'a{foo}b')).rejects.toThrow(`MOVED 12182 ${owner.address}`);

    const next = await cluster.failover(owner);
    expect(next).toBe(cluster.nodes[5]);
    expect(await next.text('GET', 'a{foo}b')).toBe('value');
    expect(await next.text('SET', 'a{foo}b', 'other')).toBe('OK');
    expect(await cluster.ownerOf('a{foo}b')).toBe(next);
    expect(await cluster.masters()).toEqual([cluster.nodes[0], cluster.nodes[1], next]);

    await owner.restart();
    await until('the dead master to follow the next', async () => {
      return (await owner.info('role')) === 'slave' && (await owner.info('master_link_status')) === 'up';
    });
    expect(await cluster.ownerOf('a{foo}b')).toBe(next);
  });
});
