/** The options of `subnet preference`. */

import { z } from 'zod';
import { MAX_LEVELS } from '../../bittorrent/peer-preference.ts';
import { parseCidr } from '../../pkg/cidr.ts';
import { expected, expecting, integerList, mappingOf } from '../../pkg/options.ts';

const RANGE = expecting('an address range such as 10.1.1.0/24 or 2001:db8:1::/64');

const ranges = z.array(
  z.string(RANGE).refine((text) => parseCidr(text) !== undefined, RANGE),
  expecting('a list'),
);

/** CIDRs by the name of their group. */
export type Groups = Readonly<Record<string, readonly string[]>>;

export const options = z
  .strictObject({
    ipv4_prefixes: integerList(
      MAX_LEVELS,
      32,
      [24, 16],
      'Lengths of the prefixes that IPv4 peers may share with the announcer: the longer the one they share, the sooner they are given. An empty list: no preference.',
    ),
    ipv6_prefixes: integerList(MAX_LEVELS, 128, [64, 48], 'The same for IPv6 peers.'),
    groups: mappingOf(
      ranges,
      'For announcers in them, in place of prefixes: lists of address ranges by the name of their group, such as "hall 1/rack 2". The parts of a name are groups within groups. An address belongs to the smallest range that has it.',
    ),
  })
  .superRefine((config, context) => {
    const refuse = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path: ['groups', ...path], message });
    for (const name of Object.keys(config.groups)) {
      const parts = name.split('/');
      if (parts.some((part) => part.trim() === '')) {
        refuse([name], expected('a name such as "hall 1/rack 2"', name));
      }
      if (parts.length > MAX_LEVELS) {
        refuse([name], `expected at most ${MAX_LEVELS} groups within each other, found ${parts.length}`);
      }
    }
    for (const [name, index, other] of claimedTwice(config.groups)) {
      const text = config.groups[name]?.[index];
      refuse([name, index], `${expected('a range of one group', text)}, which is in "${other}" as well`);
    }
  });

/** Ranges that are those of an earlier group already: which group they belong to cannot be told. */
function claimedTwice(groups: Groups): [name: string, index: number, other: string][] {
  const owners = new Map<string, string>();
  const twice: [string, number, string][] = [];
  for (const [name, texts] of Object.entries(groups)) {
    for (const [index, text] of texts.entries()) {
      const key = canonical(text);
      const owner = owners.get(key) ?? name;
      owners.set(key, owner);
      if (owner !== name) twice.push([name, index, owner]);
    }
  }
  return twice;
}

/** The same text for the same range, however it is written. */
function canonical(text: string): string {
  const cidr = parseCidr(text);
  if (!cidr) return text;
  const { bytes, bits } = cidr;
  const kept = bytes.map((byte, i) => byte & (0xff00 >>> Math.min(8, Math.max(0, bits - 8 * i))));
  return `${Buffer.from(kept).toString('hex')}/${bits}`;
}
