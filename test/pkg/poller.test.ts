/** Waiting for descriptors, on eventfds: they are ready when they have been written to. */

import { readdirSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Libc, loadLibc } from '../../src/pkg/libc.ts';
import { EPOLLET, EPOLLIN, EPOLLOUT, Poller } from '../../src/pkg/poller.ts';

const NONBLOCK = 0o4000;

const openDescriptors = () => readdirSync('/proc/self/fd').length;

describe.skipIf(process.platform !== 'linux')('the poller', () => {
  async function open(): Promise<{ libc: Libc; poller: Poller }> {
    const libc = await loadLibc();
    const poller = new Poller(libc);
    poller.hold();
    onTestFinished(() => poller.release());
    return { libc, poller };
  }

  function eventfd(libc: Libc, ready = false): number {
    return libc.eventfd(ready ? 1 : 0, NONBLOCK);
  }

  const write = (libc: Libc, fd: number) => libc.write(fd, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), 8);
  const read = (libc: Libc, fd: number) => libc.read(fd, new Uint8Array(8), 8);

  test('leaves nothing open when nobody holds it, and can be held again', async () => {
    const libc = await loadLibc();
    const poller = new Poller(libc);
    const before = openDescriptors();
    for (let i = 0; i < 3; i++) {
      poller.hold();
      poller.hold();
      poller.release();
      await poller.dry();
      expect(openDescriptors()).toBe(before + 2);
      poller.release();
      await expect.poll(openDescriptors, { interval: 1 }).toBe(before);
      // Held again while it closes.
      poller.hold();
      poller.release();
      poller.hold();
      await poller.dry();
      poller.release();
      await expect.poll(openDescriptors, { interval: 1 }).toBe(before);
    }
  });

  test('tells of what becomes ready while a thread waits, again and again', async () => {
    const { libc, poller } = await open();
    const fd = eventfd(libc);
    let told = 0;
    poller.watch(fd, EPOLLIN, {
      ready(events) {
        expect(events).toBe(EPOLLIN);
        expect(read(libc, fd)).toBe(8);
        told++;
      },
    });
    for (let i = 1; i <= 50; i++) {
      write(libc, fd);
      await expect.poll(() => told, { interval: 1 }).toBe(i);
    }
    poller.unwatch(fd);
    write(libc, fd);
    await poller.dry();
    expect(told).toBe(50);
    libc.close(fd);
  });

  test('more than it takes in a round', async () => {
    const { libc, poller } = await open();
    const told = new Map<number, number>();
    const fds = Array.from({ length: 600 }, () => eventfd(libc, true));
    for (const fd of fds) {
      poller.watch(fd, EPOLLIN | EPOLLET, {
        ready: () => told.set(fd, (told.get(fd) ?? 0) + 1),
      });
    }
    await poller.dry();
    expect([...told.values()]).toEqual(Array(600).fill(1));
    for (const fd of fds) {
      poller.closing(fd);
      libc.close(fd);
    }
  });

  test('gives the event loop its turn while there is always something', async () => {
    const { libc, poller } = await open();
    const fd = eventfd(libc, true);
    let told = 0;
    poller.watch(fd, EPOLLIN, { ready: () => void told++ });
    // Whoever looks has turns of the event loop, and timers, all the while.
    await expect.poll(() => told, { interval: 1 }).toBeGreaterThan(100);
    // Nor does what waits for the end of it wait for ever.
    await poller.dry();
    poller.closing(fd);
    libc.close(fd);
  });

  test('an event of a descriptor that was closed is not taken for one of the next with its number', async () => {
    const { libc, poller } = await open();
    const [one, other] = [eventfd(libc), eventfd(libc)];
    const told: string[] = [];
    const spare: number[] = [];
    /** The system gives the lowest number that is free. */
    const again = (number: number) => {
      for (let fd = eventfd(libc); fd !== number; fd = eventfd(libc)) {
        expect(fd).toBeLessThan(number);
        spare.push(fd);
      }
    };
    /** Both are ready at once. The first that is told of closes the other, whose number is then given again. */
    const watcher = (name: string, mine: number, others: number) => ({
      ready() {
        told.push(name);
        read(libc, mine);
        poller.closing(others);
        libc.close(others);
        again(others);
        poller.watch(others, EPOLLIN, { ready: () => void told.push(`the next of ${others}`) });
      },
    });
    poller.watch(one, EPOLLIN, watcher('one', one, other));
    poller.watch(other, EPOLLIN, watcher('other', other, one));
    await poller.dry();
    write(libc, one);
    write(libc, other);
    await poller.dry();
    expect(told).toHaveLength(1);
    const fresh = told[0] === 'one' ? other : one;
    write(libc, fresh);
    await expect.poll(() => told.slice(1)).toContain(`the next of ${fresh}`);
    for (const fd of [one, other]) {
      poller.closing(fd);
      libc.close(fd);
    }
    for (const fd of spare) libc.close(fd);
  });

  test('a change is told once; what is the case is told again on demand', async () => {
    const { libc, poller } = await open();
    const fd = eventfd(libc, true);
    const told: number[] = [];
    poller.watch(fd, EPOLLIN | EPOLLET, { ready: (events) => void told.push(events) });
    await poller.dry();
    await poller.dry();
    expect(told).toEqual([EPOLLIN]);
    poller.rewatch(fd, EPOLLIN | EPOLLOUT | EPOLLET);
    await poller.dry();
    expect(told).toEqual([EPOLLIN, EPOLLIN | EPOLLOUT]);
    poller.closing(fd);
    libc.close(fd);
  });

  test('says so when the system does not let it watch', async () => {
    const { poller } = await open();
    expect(poller.watch(987_654, EPOLLIN, { ready() {} })).toBe(false);
    await poller.dry();
  });
});
