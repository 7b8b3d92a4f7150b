/**
 * The surroundings of one attack: a real seed process on `e2e`, perhaps without some rules, and an honest copy
 * of its chain in this process, so that a forged block is right in all but one thing.
 */
import { schnorr } from '@noble/curves/secp256k1.js';
import { removeData, startSeed, type Seed } from '../../e2e/support/seed.ts';
import { createFullChain, type FullChain } from '../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import { modelNamed, networkOf } from '../../src/client/models/networks.ts';
import { addressOf } from '../../src/core/address.ts';
import { bodyRoot } from '../../src/core/tx/body.ts';
import { decode } from '../../src/core/codec.ts';
import { isFault, type FaultCode } from '../../src/core/faults.ts';
import {
  Header,
  type Body,
  type HeaderCore,
  type SignedTx,
  type Tx,
} from '../../src/core/formats.ts';
import { blockId } from '../../src/core/header/header.ts';
import { plainHash } from '../../src/core/hash.ts';
import type { Block } from '../../src/core/messages.ts';
import { FAUCET_SECRET, NANOVOLTS } from '../../src/core/params.ts';
import { signTx, txId } from '../../src/core/tx/tx.ts';
import { equal, fromHex, utf8 } from '../../src/lib/bytes.ts';
import type { Forger } from './forger.ts';
import { without } from './without.ts';
import { fetchConfig, isKnown, announceBlock, announceTx, relay, type Verdict } from './peer.ts';

export interface Person {
  readonly secret: Uint8Array;
  readonly xonly: Uint8Array;
  readonly address: Uint8Array;
}

export const person = (name: string): Person => personOf(plainHash(utf8(name)));

function personOf(secret: Uint8Array): Person {
  const xonly = schnorr.getPublicKey(secret);
  return { secret, xonly, address: addressOf(xonly) };
}

export const MINER = person('an honest miner');
export const THIEF = person('a thief');
const MARKER = person('sends markers');
const FAUCET = personOf(fromHex(FAUCET_SECRET, 32)!);
/** nV of a transaction's fee. */
export const FEE = 10_000n;

interface ArenaDeps {
  readonly seed: Seed;
  readonly chain: FullChain;
  readonly forger: Forger;
  readonly chainId: number;
  /** Of the model that blocks are made with. */
  readonly modelId: Uint8Array;
}

export class Arena {
  readonly seed: Seed;
  readonly chain: FullChain;
  readonly forger: Forger;
  readonly chainId: number;
  readonly #modelId: Uint8Array;
  readonly #made = new Map<string, Promise<unknown>>();
  /** Number of marker transactions that wait in the node's pool. */
  #markers = 0;
  #markerFee = FEE;
  #cores = 0;

  constructor({ seed, chain, forger, chainId, modelId }: ArenaDeps) {
    this.seed = seed;
    this.chain = chain;
    this.forger = forger;
    this.chainId = chainId;
    this.#modelId = modelId;
  }

  /** Something that several attacks need: the first makes it, the others share it. */
  once<T>(name: string, make: () => Promise<T>): Promise<T> {
    if (!this.#made.has(name)) this.#made.set(name, make());
    return this.#made.get(name) as Promise<T>;
  }

  /** Makes the next `once` of that name make it again. */
  again(name: string): void {
    this.#made.delete(name);
  }

  /** Header to work on; on schedule, so that the target stays the easiest, or `afterMs` later. */
  core(miner: Person, body: Body = [], afterMs = 2000): HeaderCore {
    const nowMs = this.chain.head().header.time + afterMs;
    const { core } = this.chain.template({ miner: miner.address, modelId: this.#modelId, nowMs });
    // Another nonce for each try, so that tries do not repeat the same work.
    return { ...core, bodyRoot: bodyRoot(body), nonce: BigInt(++this.#cores) << 32n };
  }

  /** A valid block, accepted by the node and by the copy. */
  async honest(body: Body = [], afterMs = 2000): Promise<Block> {
    const block = { ...(await this.forger.win(this.core(MINER, body, afterMs))), body };
    const verdict = await this.announceBlock(block);
    if (!verdict.accepted) throw new Error(`an honest block was refused: ${verdict.fault}`);
    return block;
  }

  /** Announces a block. The copy must accept what the node accepts: it has the same rules, without replays. */
  async announceBlock(block: Block): Promise<Verdict> {
    const verdict = await announceBlock(this.seed, this.chainId, block);
    if (!verdict.accepted) return verdict;
    const imported = await this.chain.importBlock(block);
    if (isFault(imported)) throw new Error(`the copy refused a block: ${imported.fault}`);
    return verdict;
  }

  announceTx(tx: SignedTx): Promise<Verdict> {
    return this.#withMarker((marker) => announceTx(this.seed, this.chainId, tx, marker));
  }

  /** Lets an honest peer pass them on: `accepted` is that the node banned it. */
  relay(txs: readonly SignedTx[]): Promise<Verdict> {
    return this.#withMarker((marker) => relay(this.seed, this.chainId, txs, marker));
  }

  async #withMarker(send: (marker: SignedTx) => Promise<Verdict>): Promise<Verdict> {
    await this.coins();
    const fields = { type: 'transfer', to: MARKER.address, amount: 1n, memo: new Uint8Array() };
    const marker = this.sign(MARKER, fields, this.#markers, this.#markerFee);
    const verdict = await send(marker);
    // A marker of a peer that was disconnected may be in the pool or not: a higher fee replaces it.
    this.#markerFee = (this.#markerFee * 12n) / 10n;
    if (await isKnown(this.seed, txId(marker.tx))) this.#markers++;
    return verdict;
  }

  /** Makes sure that the miner and the sender of markers have coins to spend. */
  coins(): Promise<void> {
    return this.once('coins', async () => {
      const gift = 100n * NANOVOLTS;
      const gifts = [MINER, MARKER].map((who, i) => this.pay(FAUCET, who.address, gift, i));
      await this.honest(gifts);
    });
  }

  /** Balance in nV by the copy's state. */
  balanceOf(who: Person): bigint {
    return this.chain.account(who.address)?.balance ?? 0n;
  }

  nonceOf(who: Person): number {
    return this.chain.account(who.address)?.nonce ?? 0;
  }

  /** Signed with the sender's next nonce and an expiry of its own. */
  sign(from: Person, fields: object, nonce = this.nonceOf(from), fee = 0n): SignedTx {
    const { height } = this.chain.head().header;
    const common = { chainId: this.chainId, from: from.xonly, nonce, expiry: height + 300, fee };
    return signTx({ ...common, ...fields } as Tx, from.secret);
  }

  pay(from: Person, to: Uint8Array, amount: bigint, nonce?: number): SignedTx {
    return this.sign(from, { type: 'transfer', to, amount, memo: new Uint8Array() }, nonce, FEE);
  }

  async close(): Promise<void> {
    await this.seed.kill();
    removeData(this.seed);
    await this.chain.close();
  }
}

/** A fresh network of one node, without the rules in `off`, that charges for the faults in `charged`. */
export async function openArena(
  forger: Forger,
  off: readonly FaultCode[],
  charged: readonly FaultCode[] = [],
): Promise<Arena> {
  const args = [
    ...off.flatMap((code) => ['--without', code]),
    ...charged.flatMap((code) => ['--charge', code]),
  ];
  const seed = await startSeed({ args, ...(args.length && { entry: 'test/attack/weak-seed.ts' }) });
  const network = networkOf('e2e');
  const params = without(network.params, off);
  const genesis = decode(Header, fromHex((await fetchConfig(seed)).genesis)!);
  let opened = false;
  const chain = await createFullChain({
    store: createMemoryStore(),
    params,
    models: network.models,
    now: () => (opened ? Date.now() : genesis.time),
  });
  opened = true;
  if (!equal(chain.head().id, blockId(genesis))) throw new Error('the copy has another genesis');
  const { id } = modelNamed(network, 'tiny')!;
  return new Arena({ seed, chain, forger, chainId: network.params.chainId, modelId: id });
}
