/** What requests cost: it follows what they ask for, and an honest asker can always pay. */
import { expect, test } from 'vitest';
import {
  BLOCKS_MAX,
  HEADERS_MAX,
  HISTORY_MAX,
  PROOF_KEYS_MAX,
  type SyncRequest,
} from '../../src/core/messages.ts';
import { ASK_RATE, costOf, SERVE_RATE } from '../../src/net/sync.ts';

const id = new Uint8Array(32);
const ids = (count: number) => Array.from({ length: count }, () => id);
const from = { height: 1, index: 0 };

const ASKED: readonly (readonly [string, SyncRequest, number])[] = [
  ['a status', { type: 'status' }, 1],
  ['no headers', { type: 'headers', locator: [], max: 0 }, 1],
  ['129 headers', { type: 'headers', locator: [], max: 129 }, 2],
  ['all headers', { type: 'headers', locator: [], max: HEADERS_MAX }, 4],
  ['more headers than there are', { type: 'headers', locator: [], max: 0xffff }, 4],
  ['one block', { type: 'blocks', ids: ids(1) }, 1],
  ['all blocks', { type: 'blocks', ids: ids(BLOCKS_MAX) }, 4],
  ['a proof of two keys', { type: 'proof', block: id, keys: ids(2) }, 1],
  ['a proof of all keys', { type: 'proof', block: id, keys: ids(PROOF_KEYS_MAX) }, 4],
  ['a witness', { type: 'witness', block: id }, 4],
  ['transactions', { type: 'transactions' }, 8],
  ['one entry', { type: 'history', address: id, from, max: 1 }, 1],
  ['all entries', { type: 'history', address: id, from, max: HISTORY_MAX }, 25],
  ['more entries than there are', { type: 'history', address: id, from, max: 0xffff }, 25],
  ['a part of the state', { type: 'state', block: id, from: id }, 10],
  ['a place', { type: 'find', id }, 4],
  ['a slice of a model', { type: 'model', id, part: 0, at: 0 }, 4],
];

test.each(ASKED)('%s: what is asked for is paid for', (_, request, cost) => {
  expect(costOf(request)).toBe(cost);
  // Who waits gets the tokens together, and stays below what the other side counts.
  expect(cost).toBeLessThanOrEqual(ASK_RATE.burst);
  expect(ASK_RATE.burst).toBeLessThan(SERVE_RATE.burst);
  expect(ASK_RATE.perSecond).toBeLessThan(SERVE_RATE.perSecond);
});
