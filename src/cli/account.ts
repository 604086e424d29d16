/**
 * Root becoming another user, for good. It is done before there are workers, a store or hooks, so that nothing is ever
 * owned by root, and nothing works that only works for root.
 *
 * libc has every thread of the process change with the one that asks, those of V8 and libuv, too; those that come later
 * begin as that user.
 */

import { userInfo } from 'node:os';

export interface Account {
  /** The argument of `--user`. */
  readonly given: string;
  readonly user: string | number;
  readonly uid: number;
  /** A name or a number. */
  readonly group: string | number;
}

/** What Node has on systems with users; its types do not know of `initgroups`. */
interface Changes extends Required<Pick<NodeJS.Process, 'setgroups' | 'setgid' | 'setuid'>> {
  initgroups(user: string, group: string | number): void;
}

/** Whether the process is root's. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/** @param given `NAME` or `NAME:GROUP`; either may be a number */
export function findAccount(given: string): Account {
  const [, name = '', groupName] = /^([^:]+)(?::([^:]+))?$/.exec(given) ?? [];
  if (name === '') throw new Error(`--user: expected NAME or NAME:GROUP, found "${given}"`);
  if (!isRoot()) {
    throw new Error(
      `--user ${given}: only root can become another user: start it as root, or without --user`,
    );
  }
  const user = nameOrNumber(name);
  const found = lookUp(user);
  if (found === undefined && typeof user === 'string') {
    throw new Error(`--user ${given}: there is no user "${name}" on this system`);
  }
  const group = groupName === undefined ? found?.gid : nameOrNumber(groupName);
  if (group === undefined) {
    throw new Error(
      `--user ${given}: no user of this system has that number, so a group is needed: ${name}:GROUP`,
    );
  }
  const uid = found?.uid ?? Number(user);
  if (uid === 0) throw new Error(`--user ${given}: that is root: to run as root there is --allow-root`);
  return { given, user: found?.username ?? uid, uid, group };
}

/** @throws Error if anything of root's is left */
export function become({ given, user, uid, group }: Account): void {
  const { setgroups, initgroups, setgid, setuid } = process as unknown as Changes;
  try {
    // Groups first: once the user is another, they cannot be changed.
    if (typeof user === 'string') initgroups(user, group);
    else setgroups([group]);
    setgid(group);
    setuid(uid);
  } catch (error) {
    throw new Error(`--user ${given}: ${(error as Error).message}`, { cause: error });
  }
  if (process.getuid?.() !== uid || process.geteuid?.() !== uid || canBeRoot()) {
    throw new Error(`--user ${given}: the system has not let go of root: it is still there to go back to`);
  }
}

function canBeRoot(): boolean {
  try {
    process.seteuid?.(0);
    return true;
  } catch {
    return false;
  }
}

/** By way of the effective user, whose entry Node can read, from whatever source the system has its users. */
function lookUp(user: string | number): { username: string; uid: number; gid: number } | undefined {
  try {
    process.seteuid?.(user);
    return userInfo();
  } catch {
    return undefined;
  } finally {
    process.seteuid?.(0);
  }
}

function nameOrNumber(text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text;
}
