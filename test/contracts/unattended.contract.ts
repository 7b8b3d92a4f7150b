/**
 * What keys must do that sign with nobody there. Run over a vault by test/wallet/vault-unattended.test.ts and over a
 * node's file by test/node/serving-file.test.ts.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { askHash, receiptHash, signHash, verifyHash, voucherHash } from '../../src/core/channel.ts';
import { decode, encode } from '../../src/core/codec.ts';
import { SignedTx, Tx, type TxOf } from '../../src/core/formats.ts';
import { isSignedOffer } from '../../src/core/offer.ts';
import { EXPIRY_BLOCKS_MAX } from '../../src/core/params.ts';
import { signTx, txBytes, txId, verifySignature } from '../../src/core/tx/tx.ts';
import { toHex, utf8 } from '../../src/lib/bytes.ts';
import { CHANNELS_LIMIT_FIRST, CHANNELS_MAX, FRESH_MAX } from '../../src/wallet/channels.ts';
import { keyFromEntropy } from '../../src/wallet/keys.ts';
import type { UnattendedApi, VaultApi } from '../../src/wallet/vault/vault-api.ts';
import { code, hash, RECEIPT } from '../wallet/values.ts';

type HolderKeys = UnattendedApi & Pick<VaultApi, 'newSigner'>;

/** Keys of one holder on network `local`, of which nothing was asked yet. */
export interface UnattendedHolder {
  /** As a start of the process reads them, with nobody there; those of an earlier start are asked no more. */
  start(): Promise<HolderKeys>;
  /** Confirms a channel; rejects as the holder refuses it. */
  open(tx: TxOf<'channel'>): Promise<unknown>;
  setLimit(limit: bigint): Promise<unknown>;
  passMs(ms: number): void;
  /** Key of the account that opens channels, and an address that closes may pay. */
  readonly from: Uint8Array;
  readonly payee: Uint8Array;
  /** Id of block 0. */
  readonly genesis: Uint8Array;
}

const VLT = 1_000_000_000n;
const BLOCK_MS = 5000;
const other = keyFromEntropy(hash(77));
const PEERS = { asker: 'asker', provider: 'provider' };

export function unattendedContract(name: string, create: () => Promise<UnattendedHolder>): void {
  describe(`${name}, with nobody there`, () => {
    let holder: UnattendedHolder;
    let keys: HolderKeys;
    beforeEach(async () => {
      holder = await create();
      keys = await holder.start();
    });

    const base = { chainId: 3, nonce: 4n, expiry: 1100, fee: 1000n };
    const openingOf = (
      signer: Uint8Array,
      change: Partial<TxOf<'channel'>> = {},
    ): TxOf<'channel'> => ({
      type: 'channel',
      ...base,
      from: holder.from,
      provider: other.publicKey,
      payee: other.address,
      signer,
      limit: VLT,
      lifetime: 100,
      ...change,
    });
    const open = async (change: Partial<TxOf<'channel'>> = {}) => {
      const tx = openingOf(await keys.newSigner(), change);
      await holder.open(tx);
      return { id: txId(holder.genesis, tx), signer: tx.signer };
    };
    /** Now, and after a restart. */
    const twice = async (check: () => Promise<void>): Promise<void> => {
      await check();
      keys = await holder.start();
      await check();
    };
    const refuses = (asked: Promise<unknown>, why: string) =>
      expect(asked, why).rejects.toThrow(code(why));

    it('has one serving key, which signs receipts for its network, also after a restart', async () => {
      const key = (await keys.servingKey())!;
      await twice(async () => {
        expect(await keys.servingKey()).toEqual(key);
        const signature = await keys.signReceipt(RECEIPT);
        expect(verifyHash(receiptHash(holder.genesis, RECEIPT), signature, key)).toBe(true);
      });
    });

    it('signs what its provider offers on its network, also after a restart', async () => {
      const offer = {
        provider: (await keys.servingKey())!,
        payee: holder.payee,
        peer: utf8('peer'),
        models: [],
        queue: 0,
        waitSeconds: 0,
        time: 1,
      };
      await twice(async () => {
        const signature = await keys.signOffer(offer);
        expect(isSignedOffer(holder.genesis, { offer, signature })).toBe(true);
        expect(
          isSignedOffer(txId(holder.genesis, openingOf(offer.provider)), { offer, signature }),
        ).toBe(false);
      });
    });

    it('closes what pays its owner, by the opening that a channel is named by', async () => {
      const provider = (await keys.servingKey())!;
      const asked = (opened: Partial<TxOf<'channel'>>, change: Partial<TxOf<'close'>> = {}) => {
        const opening = openingOf(other.publicKey, {
          from: other.publicKey,
          provider,
          payee: holder.payee,
          ...opened,
        });
        const id = txId(holder.genesis, opening);
        const close: TxOf<'close'> = {
          type: 'close',
          ...base,
          from: provider,
          nonce: 0n,
          channel: id,
          amount: VLT,
          voucher: signHash(voucherHash(holder.genesis, id, VLT), other.secret),
          ...change,
        };
        return {
          tx: encode(Tx, close),
          close,
          opening: txBytes(signTx(holder.genesis, opening, other.secret)),
        };
      };
      const { tx, close, opening } = asked({});
      await twice(async () => {
        const signed = decode(SignedTx, await keys.signClose(tx, opening));
        expect(signed.tx).toEqual(close);
        expect(verifySignature(holder.genesis, signed)).toBe(true);
      });
      for (const [wrong, why] of [
        [asked({ payee: other.address }), 'CHANNEL_FOREIGN'],
        [asked({ payee: provider }), 'CHANNEL_FOREIGN'],
        [asked({ provider: other.publicKey }), 'CHANNEL_FOREIGN'],
        [asked({}, { channel: hash(1) }), 'CHANNEL_UNKNOWN'],
        [asked({ chainId: 4 }), 'CHANNEL_UNKNOWN'],
        [asked({}, { amount: VLT + 1n }), 'CHANNEL_AMOUNT'],
        [asked({}, { amount: 999n }), 'CHANNEL_AMOUNT'],
        [asked({}, { chainId: 4 }), 'CHAIN_REFUSED'],
        [asked({}, { from: other.publicKey }), 'TX_SENDER'],
        [{ tx: opening, opening }, 'TX_MALFORMED'],
        [{ tx, opening: tx }, 'TX_MALFORMED'],
        [{ tx, opening: new Uint8Array() }, 'TX_MALFORMED'],
      ] as const)
        await refuses(keys.signClose(wrong.tx, wrong.opening), why);
    });

    it('vouches in a channel that was confirmed, up to its limit, also after a restart', async () => {
      const { id, signer } = await open();
      await open({ limit: 3n * VLT });
      await twice(async () => {
        for (const amount of [0n, 1n, VLT]) {
          const voucher = await keys.signVoucher(id, amount);
          expect(verifyHash(voucherHash(holder.genesis, id, amount), voucher, signer)).toBe(true);
        }
        for (const amount of [VLT + 1n, 1n << 64n, -1n])
          await refuses(keys.signVoucher(id, amount), 'CHANNEL_AMOUNT');
      });
    });

    it('opens streams about a channel that was confirmed, for their two peers', async () => {
      const [first, second] = [await open(), await open()];
      await twice(async () => {
        for (const { id, signer } of [first, second]) {
          const signature = await keys.signAsk(id, PEERS);
          expect(verifyHash(askHash(holder.genesis, id, PEERS), signature, signer)).toBe(true);
        }
      });
    });

    it('says nothing in a channel that nobody confirmed here, or that has ended', async () => {
      const refusesBoth = (id: Uint8Array) =>
        twice(async () => {
          await refuses(keys.signVoucher(id, 0n), 'CHANNEL_UNKNOWN');
          await refuses(keys.signAsk(id, PEERS), 'CHANNEL_UNKNOWN');
        });
      for (const signer of [other.publicKey, await keys.newSigner()])
        await refusesBoth(txId(holder.genesis, openingOf(signer)));
      const [told, late] = [await open(), await open()];
      await keys.channelEnded(told.id);
      await keys.channelEnded(told.id);
      await refusesBoth(told.id);
      // Its opening may have waited for as long as a transaction is valid.
      holder.passMs((EXPIRY_BLOCKS_MAX + 100) * BLOCK_MS - 1);
      expect(await keys.signAsk(late.id, PEERS)).toHaveLength(64);
      holder.passMs(1);
      await refusesBoth(late.id);
    });

    it('has each signer in one channel, and of those in none the newest', async () => {
      const signer = await keys.newSigner();
      const tx = openingOf(signer);
      await holder.open(tx);
      await holder.open(tx);
      await refuses(holder.open(openingOf(signer, { nonce: 5n })), 'CHANNEL_FOREIGN');
      await refuses(holder.open(openingOf(other.publicKey)), 'CHANNEL_FOREIGN');
      const fresh = [];
      for (let i = 0; i <= FRESH_MAX; i++) fresh.push(await keys.newSigner());
      expect(new Set(fresh.map(toHex)).size).toBe(FRESH_MAX + 1);
      await refuses(holder.open(openingOf(fresh[0]!)), 'CHANNEL_FOREIGN');
      await holder.open(openingOf(fresh[1]!));
      await refuses(
        holder.open(openingOf(await keys.newSigner(), { chainId: 4 })),
        'CHAIN_REFUSED',
      );
    });

    it('holds all open channels together to a limit, which stays', async () => {
      expect(await keys.channelsLimit()).toBe(CHANNELS_LIMIT_FIRST);
      for (const limit of [-1n, 1n << 64n]) await refuses(holder.setLimit(limit), 'AMOUNT_RANGE');
      await holder.setLimit(5n);
      await twice(async () => expect(await keys.channelsLimit()).toBe(5n));
      const three = openingOf(await keys.newSigner(), { limit: 3n });
      const more = openingOf(await keys.newSigner(), { limit: 3n });
      const both = await Promise.allSettled([holder.open(three), holder.open(more)]);
      expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      await refuses(holder.open(more), 'CHANNELS_OVER');
      await keys.channelEnded(txId(holder.genesis, three));
      await holder.open(more);
    });

    it('has a bounded number of channels', async () => {
      let last: Uint8Array | undefined;
      for (let i = 0; i < CHANNELS_MAX; i++) last = (await open({ limit: 1n })).id;
      await refuses(open({ limit: 1n }), 'CHANNELS_FULL');
      await keys.channelEnded(last!);
      await open({ limit: 1n });
    });
  });
}
