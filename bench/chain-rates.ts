/** Rates of the state tree, of its proofs and of header verification. */
import { addressOf } from '../src/core/address.ts';
import { encode } from '../src/core/codec.ts';
import { Account, type Header } from '../src/core/formats.ts';
import { extendPoint, genesisPoint, verifyHeader } from '../src/core/header/header.ts';
import { stateKey } from '../src/core/tree/keys.ts';
import { EMPTY_TREE, proveKeys, treeFromProof, treeRoot, treeSet } from '../src/core/tree/tree.ts';
import { childHeader, paramsOf } from '../test/core/fixtures.ts';
import { cpuMs, medianMs, median } from './measure.ts';

export interface TreeRates {
  readonly accounts: number;
  readonly insertsPerSecond: number;
  readonly rootMs: number;
  /** One account changed and the root hashed again. */
  readonly updatesPerSecond: number;
  readonly balanceProofBytes: number;
  readonly balanceProofMs: number;
}

const accountKey = (i: number): Uint8Array => {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, i);
  return stateKey.account(addressOf(bytes));
};

const account = (n: number): Uint8Array =>
  encode(Account, {
    balance: 10n ** 12n,
    nonce: BigInt(n),
    txCount: 3,
    lastTx: { height: 9, index: 1 },
  });

export async function measureTree(accounts: number): Promise<TreeRates> {
  let tree = EMPTY_TREE;
  const value = account(1);
  const keys = Array.from({ length: accounts }, (_, i) => accountKey(i));
  const started = cpuMs();
  for (const key of keys) tree = treeSet(tree, key, value);
  const inserted = cpuMs();
  const root = treeRoot(tree);
  const rootMs = cpuMs() - inserted;
  const some = (i: number): Uint8Array => keys[(i * 7919) % accounts]!;
  const PER_RUN = 200;
  const updates = await medianMs(9, (run) => {
    for (let i = 0; i < PER_RUN; i++) {
      tree = treeSet(tree, some(run * PER_RUN + i), account(run + 2));
      treeRoot(tree);
    }
  });
  const proofs = Array.from({ length: 64 }, (_, i) => proveKeys(tree, [some(i)]));
  const now = treeRoot(tree);
  if (root === now) throw new Error('nothing changed');
  const check = await medianMs(9, () => {
    for (const proof of proofs) {
      const part = treeFromProof(proof);
      if ('fault' in part || treeRoot(part).some((x, i) => x !== now[i]))
        throw new Error('a proof of the tree is wrong');
    }
  });
  return {
    accounts,
    insertsPerSecond: (1000 * accounts) / (inserted - started),
    rootMs,
    updatesPerSecond: (1000 * PER_RUN) / updates,
    balanceProofBytes: median(proofs.map((p) => p.length)),
    balanceProofMs: check / proofs.length,
  };
}

/** Header rules, target, MMR and id of a chain of `count` headers: headers per second. */
export async function measureHeaders(count: number): Promise<number> {
  const params = paramsOf('e2e');
  const genesis = genesisPoint(params, 1_800_000_000_000);
  const headers: Header[] = [];
  let point = genesis;
  for (let i = 0; i < count; i++) {
    const header = childHeader(params, point, EMPTY_TREE);
    headers.push(header);
    point = extendPoint(params, point, header);
  }
  const ms = await medianMs(7, () => {
    let at = genesis;
    for (const header of headers) {
      const found = verifyHeader(params, at, header, header.time);
      if (found) throw new Error(found.fault);
      at = extendPoint(params, at, header);
    }
  });
  return (1000 * count) / ms;
}
