/**
 * The packets of BEP 15 and BEP 41, opentracker's IPv6 announce included: where everything is. Integers are in
 * network order.
 *
 *   request   0               8       12      16
 *             +---------------+-------+-------+------------------------------------
 *             | connection id |action | txid  | by action
 *             +---------------+-------+-------+------------------------------------
 *
 *   announce  16         36       56          64     72        80     84   88   92        96    98
 *             | infohash | peer id | downloaded | left | uploaded | event | IP | key | num_want | port | options…
 *             Action 4 has an IP of 16 bytes: key and all after it lie 12 bytes later.
 *
 *   scrape    16
 *             | infohash | infohash | …
 *
 *   answer    0       4       8
 *             |action | txid  | connect:  connection id (8)
 *                             | announce: interval (4) · leechers (4) · seeders (4) · peers (6 or 18 each)
 *                             | scrape:   seeders (4) · snatches (4) · leechers (4), for each infohash
 *                             | error:    text · 0x00
 */

export const Action = { Connect: 0, Announce: 1, Scrape: 2, Error: 3, AnnounceV6: 4 } as const;

/** The connection id of a connect request. */
export const PROTOCOL_ID_HIGH = 0x00000417;
export const PROTOCOL_ID_LOW = 0x27101980;

/** Of every request. */
export const ACTION = 8;
export const TRANSACTION_ID = 12;
export const REQUEST_HEADER = 16;

/** Of an announce. */
export const INFOHASH = 16;
export const PEER_ID = 36;
/** Downloaded, left and uploaded, which an AnnounceRequest keeps in this order. */
export const COUNTERS = 56;
export const DOWNLOADED = 56;
export const LEFT = 64;
export const UPLOADED = 72;
export const EVENT = 80;
export const IP = 84;
/** After an IP of `n` bytes: num_want at `IP + n + 4`, port at `IP + n + 8`, options from `IP + n + 10` on. */
export const NUM_WANT_AFTER_IP = 4;
export const PORT_AFTER_IP = 8;
export const OPTIONS_AFTER_IP = 10;

/** `num_want` of a client that leaves it to the tracker. */
export const NUM_WANT_DEFAULT = 0xffffffff;

/** Options of BEP 41. */
export const OPTION_END = 0;
export const OPTION_NOP = 1;
export const OPTION_URL_DATA = 2;

/** Of every answer. */
export const ANSWER_TRANSACTION_ID = 4;
export const ANSWER_HEADER = 8;
export const CONNECT_ANSWER_LENGTH = 16;

/** Of the answer to an announce: where its peers begin. */
export const ANNOUNCE_ANSWER_PEERS = 20;

/** Bytes an infohash of a scrape takes in its answer. */
export const SCRAPE_ENTRY = 12;

/** The most that one unfragmented datagram carries on an Ethernet of 1,500 bytes. */
export const MAX_ANSWER_IPV4 = 1472;
export const MAX_ANSWER_IPV6 = 1452;
