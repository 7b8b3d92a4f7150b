/** The pool after a reorganisation: all transactions come back at once, each of a sender of its own. */
import { VerifiedSignatures } from '../../src/chain/shared/verified-signatures.ts';
import { Mempool, poolBase } from '../../src/chain/shared/mempool.ts';
import { addressOf } from '../../src/core/address.ts';
import { encode } from '../../src/core/codec.ts';
import { Account, type SignedTx } from '../../src/core/formats.ts';
import { hash } from '../../src/core/hash.ts';
import { stateKey } from '../../src/core/tree/keys.ts';
import { treeOf } from '../../src/core/tree/tree-parts.ts';
import { compare, u32 } from '../../src/lib/bytes.ts';
import { CONTEXT, PARAMS, person, transfer } from '../../test/chain/make-blocks.ts';
import { cpuMs } from '../measure.ts';

/** @returns a line of figures, in ms of CPU */
export function growPool(count: number): string {
  const value = encode(Account, {
    balance: 10n ** 12n,
    nonce: 0n,
    txCount: 0,
    lastTx: { height: 0, index: 0 },
  });
  const froms = Array.from({ length: count }, (_, i) => hash('seed', u32(i)));
  const rich = person(1);
  const leaves = [...froms, rich.xonly]
    .map((from) => ({ key: stateKey.account(addressOf(from)), value }))
    .sort((a, b) => compare(a.key, b.key));
  const base = poolBase(PARAMS, CONTEXT, treeOf(leaves), { height: 10 });
  const template = transfer(rich, 0, rich, 5n).tx;
  const reverted = froms.map((from, i): SignedTx => {
    const fee = 10_000n + BigInt((i * 7919) % 5000);
    return { tx: { ...template, from, fee }, signature: new Uint8Array(64) };
  });

  const pool = new Mempool(new VerifiedSignatures(CONTEXT.genesis));
  const started = cpuMs();
  pool.setBase(base, { reverted, confirmed: new Set(), changed: new Set() });
  const returnedMs = cpuMs() - started;
  const before = pool.size;
  const refused = pool.add(transfer(rich, 0, rich, 5n, 50_000n));
  const addMs = cpuMs() - started - returnedMs;
  const said = refused ? refused.fault : 'taken';
  return (
    `pool: ${count} come back in ${returnedMs.toFixed(0)} ms, ${before} stay; ` +
    `one who pays more is ${said} in ${addMs.toFixed(1)} ms`
  );
}
