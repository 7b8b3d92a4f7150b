/** Signatures that are verified once: remembered by what was signed and how, and found out on other cores. */
import { describe, expect, it } from 'vitest';
import type { FullChainOptions } from '../../src/chain/full/full-chain.ts';
import { SignatureCheck } from '../../src/chain/full/signature-check.ts';
import { VerifiedSignatures } from '../../src/chain/shared/verified-signatures.ts';
import { signHash } from '../../src/core/channel.ts';
import { decode, encode } from '../../src/core/codec.ts';
import { fault, isFault } from '../../src/core/faults.ts';
import { Transactions, type SignedTx } from '../../src/core/formats.ts';
import { hash } from '../../src/core/hash.ts';
import { blockId } from '../../src/core/header/header.ts';
import type { Block } from '../../src/core/messages.ts';
import { bodyOf, bodyRoot } from '../../src/core/tx/body.ts';
import { verifySignature } from '../../src/core/tx/tx.ts';
import { silentLog } from '../../src/lib/log.ts';
import { startSignatureLanes } from '../../src/node/seed/signature-lanes.ts';
import {
  GENESIS_ID,
  mine,
  nextBlock,
  openChain,
  person,
  SIGNER,
  START_MS,
  transfer,
} from './make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;
/** As it comes from a peer: the same bytes, other objects. */
const copyOf = (txs: readonly SignedTx[]): SignedTx[] =>
  decode(Transactions, encode(Transactions, [...txs]));
const forged = (signed: SignedTx): SignedTx => ({
  ...signed,
  signature: signed.signature.with(40, signed.signature[40]! ^ 1),
});

describe('verified signatures', () => {
  it('are known by the transaction and the signature together', () => {
    const known = new VerifiedSignatures(GENESIS_ID);
    const signed = transfer(ann, 0, bob, 1n);
    known.add(signed);
    expect(known.has(signed)).toBe(true);
    expect(known.has(copyOf([signed])[0]!)).toBe(true);
    expect(known.has(forged(signed))).toBe(false);
    expect(known.has({ ...signed, tx: { ...signed.tx, nonce: 1n } })).toBe(false);
  });

  it('are remembered up to a number, those used last', () => {
    const known = new VerifiedSignatures(GENESIS_ID, 2);
    const txs = [0, 1, 2].map((nonce) => transfer(ann, nonce, bob, 1n));
    known.add(txs[0]!);
    known.add(txs[1]!);
    expect(known.has(copyOf(txs)[0]!)).toBe(true);
    known.add(txs[2]!);
    expect(copyOf(txs).map((signed) => known.has(signed))).toEqual([true, false, true]);
  });
});

describe('a full chain', () => {
  /** Counts what it is asked for; `right`: what it answers, the truth if absent. */
  function counting(right = verifySignature) {
    const asked: SignedTx[][] = [];
    const verifySignatures: FullChainOptions['verifySignatures'] = async (genesis, signed) => {
      asked.push([...signed]);
      return signed.map((each) => right(genesis, each));
    };
    return { asked, verifySignatures };
  }
  const taken = async (chain: { importBlock(block: Block): Promise<unknown> }, block: Block) => {
    const done = await chain.importBlock({
      ...block,
      body: bodyOf(copyOf(block.body.transactions)),
    });
    return isFault(done) ? done.fault : (done as { status: string }).status;
  };

  /** Two chains of one past in which Ann has coins. */
  async function twins(options: Partial<FullChainOptions>) {
    const [a, b] = [await openChain(undefined, { ms: START_MS }, options), await openChain()];
    for (const block of await mine(b, ann, 6)) await taken(a, block);
    return { a, b };
  }
  const paid = async (chain: Awaited<ReturnType<typeof openChain>>, nonces: number[]) => {
    for (const nonce of nonces)
      expect(await chain.addTx(transfer(ann, nonce, bob, 1n))).toBeUndefined();
  };

  it('asks once for a block, and not again when its branch becomes the head or another one holds the same', async () => {
    const { asked, verifySignatures } = counting();
    const { a, b } = await twins({ verifySignatures });
    await mine(a, bob, 1);
    await paid(b, [0, 1]);
    const branch = await mine(b, ann, 2, { salt: 1 });
    expect(await taken(a, branch[0]!)).toBe('side');
    expect(asked.map((some) => some.length)).toEqual([2]);
    expect(await taken(a, branch[1]!)).toBe('reorganised');
    expect(asked).toHaveLength(1);

    // The same transactions in a third branch.
    const c = await openChain();
    for (const header of await a.headersAfter([], 6))
      await taken(c, (await a.block(blockId(header)))!);
    await paid(c, [0, 1]);
    for (const block of await mine(c, bob, 3, { salt: 2 })) await taken(a, block);
    expect(asked).toHaveLength(1);
    expect(a.head().header.height).toBe(9);
  });

  it('asks for nothing that waited in its pool', async () => {
    const { asked, verifySignatures } = counting();
    const { a, b } = await twins({ verifySignatures });
    for (const chain of [a, b]) await paid(chain, [0, 1]);
    const [block] = await mine(b, ann, 1);
    expect(await taken(a, block!)).toBe('extended');
    expect(asked).toEqual([]);
  });

  it('verifies itself what the others have no time for, and refuses what they call wrong', async () => {
    const busy = await twins({ verifySignatures: async () => undefined });
    await paid(busy.b, [0]);
    const [block] = await mine(busy.b, ann, 1);
    const wrong = bodyOf(copyOf(block!.body.transactions).map(forged));
    const header = { ...block!.header, bodyRoot: bodyRoot(wrong) };
    expect(await taken(busy.a, { ...block!, header, body: wrong })).toBe('tx.signature');
    expect(await taken(busy.a, block!)).toBe('extended');

    const { asked, verifySignatures } = counting();
    const { a } = await twins({ verifySignatures });
    expect(await taken(a, { ...block!, header, body: wrong })).toBe('tx.signature');
    expect(asked.map((some) => some.length)).toEqual([1]);
  });

  it('asks for nothing of a block without its proof of work, or one that it has', async () => {
    const { asked, verifySignatures } = counting();
    const verifyProof: FullChainOptions['verifyProof'] = (_, header) =>
      header.nonce === 13n ? fault('proof.target') : undefined;
    const { a, b } = await twins({ verifySignatures, verifyProof });
    await paid(b, [0]);
    const block = nextBlock(b, ann);
    const unproven = { ...block, header: { ...block.header, nonce: 13n } };
    expect(await taken(a, unproven)).toBe('proof.target');
    expect(asked).toEqual([]);
    expect(await taken(a, block)).toBe('extended');
    expect(await taken(a, block)).toBe('known');
    expect(asked).toHaveLength(1);
  });
});

describe('signature lanes', () => {
  it(
    'find which are right, many at once, and have no time beyond a number',
    { timeout: 120_000 },
    async () => {
      const lanes = startSignatureLanes(silentLog, 2, 70);
      try {
        const signed = Array.from({ length: 70 }, (_, nonce) => transfer(ann, nonce, bob, 1n));
        const mixed = signed.map((one, i) => (i % 7 ? one : forged(one)));
        expect(await lanes.verify(GENESIS_ID, mixed)).toEqual(mixed.map((_, i) => i % 7 > 0));
        expect(await lanes.verify(GENESIS_ID, [...signed, signed[0]!])).toBeUndefined();
        const check = new SignatureCheck(new VerifiedSignatures(GENESIS_ID), lanes.verify);
        const body = bodyOf(copyOf(mixed));
        const root = bodyRoot(body);
        await Promise.all([check.begin(root, body), check.begin(root, body)]);
        expect(body.transactions.map((one) => check.known.has(one))).toEqual(
          mixed.map((_, i) => i % 7 > 0),
        );
      } finally {
        await lanes.stop();
      }
      expect(await lanes.verify(GENESIS_ID, [transfer(ann, 0, bob, 1n)])).toBeUndefined();
    },
  );
});

describe('vouchers that were verified', () => {
  it('are known by their hash, the signature and the key', () => {
    const verified = new VerifiedSignatures(GENESIS_ID);
    const [hashed, other] = [1, 2].map((n) => hash('voucher', Uint8Array.of(n))) as [
      Uint8Array,
      Uint8Array,
    ];
    const signature = signHash(hashed, SIGNER.secret);
    const bad = signature.with(63, signature[63]! ^ 1);
    for (let round = 0; round < 2; round++) {
      expect(verified.verifyHash(hashed, signature, SIGNER.xonly)).toBe(true);
      expect(verified.verifyHash(hashed, bad, SIGNER.xonly)).toBe(false);
      expect(verified.verifyHash(other, signature, SIGNER.xonly)).toBe(false);
      expect(verified.verifyHash(hashed, signature, ann.xonly)).toBe(false);
    }
  });
});
