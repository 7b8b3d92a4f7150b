/**
 * The naive oracle of the full chain: walk the main chain from genesis, execute every block on a
 * growing tree, and compare all that the store holds with what must follow from those blocks alone.
 */
import { expect } from 'vitest';
import { blockId, genesisTree } from '../../src/core/header/header.ts';
import { Account, Body, Header, Position } from '../../src/core/formats.ts';
import { decode } from '../../src/core/codec.ts';
import { isFault } from '../../src/core/faults.ts';
import { executeBlock } from '../../src/core/state.ts';
import { treeEntries, treeRoot, type Tree } from '../../src/core/tree/tree.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { toHex } from '../../src/lib/bytes.ts';
import type { Store } from '../../src/chain/store/store.ts';
import { MainEntry } from '../../src/chain/store/records.ts';
import { isAccount } from '../../src/chain/shared/totals.ts';
import { GENESIS_ID, PARAMS } from './make-blocks.ts';

export async function expectConsistent(store: Store): Promise<{ height: number; tree: Tree }> {
  const all = new Map((await store.range('', '~', 1_000_000)).map((e) => [e.key, e.value]));
  const of = (kind: string) => [...all.keys()].filter((key) => key.startsWith(`${kind}/`));
  const positions = new Map<string, Position>();
  const closes = new Map<string, Position>();
  let tree: Tree = genesisTree(PARAMS);
  let genesis: Uint8Array | undefined;
  let parent: Uint8Array | undefined;
  let height = -1;
  for (const key of of('n')) {
    const { id, header } = decode(MainEntry, all.get(key)!);
    height++;
    genesis ??= id;
    expect(header.height).toBe(height);
    expect(toHex(id)).toBe(toHex(blockId(header)));
    expect(decode(Header, all.get(`h/${toHex(id)}`)!)).toEqual(header);
    if (parent) {
      expect(toHex(header.prevHash)).toBe(toHex(parent));
      const body = decode(Body, all.get(`b/${toHex(id)}`)!);
      expect(all.has(`w/${toHex(id)}`)).toBe(true);
      const executed = executeBlock(tree, header, body, PARAMS, { genesis });
      if (isFault(executed)) throw new Error(executed.fault);
      tree = executed.tree;
      for (const [index, { tx }] of body.transactions.entries()) {
        positions.set(toHex(txId(GENESIS_ID, tx)), { height, index });
        if (tx.type === 'close') closes.set(toHex(tx.channel), { height, index });
      }
    }
    parent = id;
  }
  expect(toHex(all.get('head')!)).toBe(toHex(parent!));
  const leaves = [...treeEntries(tree)].map((e) => [`s/${toHex(e.key)}`, toHex(e.value)]);
  expect(of('s').map((key) => [key, toHex(all.get(key)!)])).toEqual(leaves.sort());
  const placesOf = (kind: string) =>
    new Map(of(kind).map((key) => [key.slice(2), decode(Position, all.get(key)!)]));
  expect(placesOf('t')).toEqual(positions);
  expect(placesOf('q')).toEqual(closes);
  // Every stored block is whole, and on the main chain or in the index of recent ones.
  const recent = of('i').map((key) => key.slice(-64));
  for (const id of recent) expect(all.has(`h/${id}`)).toBe(true);
  const main = of('n').map((key) => toHex(decode(MainEntry, all.get(key)!).id));
  expect(of('h').length).toBe(new Set([...main, ...recent]).size);
  expect(of('b').length).toBe(of('h').length);
  expect(of('u').length).toBe(height);
  treeRoot(tree);
  return { height, tree };
}

/** nV in all accounts. */
export const sumOfBalances = (tree: Tree): bigint =>
  [...treeEntries(tree)]
    .filter(({ value }) => isAccount(value))
    .reduce((sum, { value }) => sum + decode(Account, value).balance, 0n);
