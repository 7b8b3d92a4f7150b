/** What the recorder knows of every block that it made, so that it can build on any of them. */
import { decode } from '../../../src/core/codec.ts';
import { signHash, voucherHash } from '../../../src/core/channel.ts';
import { isFault } from '../../../src/core/faults.ts';
import type { Account, Body, HeaderCore, SignedTx, Tx, TxOf } from '../../../src/core/formats.ts';
import { Account as AccountCodec } from '../../../src/core/formats.ts';
import {
  extendPoint,
  genesisPoint,
  genesisTree,
  templateCore,
  type ChainPoint,
} from '../../../src/core/header/header.ts';
import type { Block } from '../../../src/core/messages.ts';
import { ACCOUNT_MIN, type Params } from '../../../src/core/params.ts';
import { executeBlock } from '../../../src/core/state.ts';
import { stateKey } from '../../../src/core/tree/keys.ts';
import { treeGet, treeRoot, type Tree } from '../../../src/core/tree/tree.ts';
import { bodyOf, bodyRoot } from '../../../src/core/tx/body.ts';
import { signTx, txId } from '../../../src/core/tx/tx.ts';
import { person, SIGNER, type Person } from '../../chain/make-blocks.ts';
import type { Lie, RecordMiner } from './miner.ts';

/** A block, and the state after it. */
export interface Made {
  readonly block: Block;
  readonly point: ChainPoint;
  readonly tree: Tree;
}

export interface Making {
  readonly on: Made;
  readonly txs?: readonly SignedTx[];
  readonly body?: Body;
  /** ms after the parent's time. */
  readonly after?: number;
  readonly miner?: Person;
  /** Changes of the header before it is mined. */
  readonly fields?: Partial<HeaderCore>;
  readonly lie?: Lie;
}

export class RecordLedger {
  readonly params: Params;
  readonly genesis: Made;
  readonly #miner: RecordMiner;

  constructor(params: Params, miner: RecordMiner) {
    this.params = params;
    this.#miner = miner;
    const point = genesisPoint(params, params.genesis.timeMs);
    const block = { header: point.header, body: bodyOf(), proof: NO_PROOF };
    this.genesis = { block, point, tree: genesisTree(params) };
  }

  /** A block that is mined, valid or not. */
  async block(making: Making): Promise<Block> {
    const { on, txs = [], body = bodyOf(txs), after = this.params.blockTimeMs } = making;
    const core = templateCore(this.params, on.point, {
      timeMs: on.point.header.time + after,
      miner: (making.miner ?? person(70)).address,
      model: 0,
      bodyRoot: bodyRoot(body),
      stateRoot: treeRoot(on.tree),
    });
    const mined = await this.#miner.mine(this.params, { ...core, ...making.fields }, making.lie);
    return { ...mined, body };
  }

  /** A valid block and the state after it. */
  async next(making: Making): Promise<Made> {
    const block = await this.block(making);
    const { header, body } = block;
    const context = { genesis: this.params.genesis.id };
    const done = executeBlock(making.on.tree, header, body, this.params, context);
    if (isFault(done)) throw new Error(`${header.height}: ${JSON.stringify(done)}`);
    return { block, point: extendPoint(this.params, making.on.point, header), tree: done.tree };
  }

  /** The place of a block that need not be valid. */
  after(on: Made, { header }: Block): ChainPoint {
    return extendPoint(this.params, on.point, header);
  }

  account(on: Made, address: Uint8Array): Account | undefined {
    const value = treeGet(on.tree, stateKey.account(address));
    return value && decode(AccountCodec, value);
  }

  /** Signed for the block after `on`, with the nonce that stands there unless it is given. */
  sign(on: Made, from: Person, tx: object): SignedTx {
    const common = {
      chainId: this.params.chainId,
      from: from.xonly,
      nonce: this.account(on, from.address)?.nonce ?? 0n,
      expiry: on.point.header.height + 50,
      fee: 1000n,
    };
    return signTx(this.params.genesis.id, { ...common, ...tx } as Tx, from.secret);
  }

  // eslint-disable-next-line @typescript-eslint/max-params -- a sentence: where, who pays whom how much
  pay(on: Made, from: Person, to: Person, amount: bigint, fields: object = {}): SignedTx {
    const memo = new Uint8Array(0);
    return this.sign(on, from, { type: 'transfer', to: to.address, amount, memo, ...fields });
  }

  /** All that an account has. */
  payAll(on: Made, from: Person, to: Person): SignedTx {
    const { balance } = this.account(on, from.address)!;
    return this.pay(on, from, to, balance - 1000n);
  }

  open(on: Made, from: Person, fields: Partial<TxOf<'channel'>> = {}): SignedTx {
    return this.sign(on, from, {
      type: 'channel',
      provider: PROVIDER.xonly,
      payee: PROVIDER.address,
      signer: SIGNER.xonly,
      limit: 10n * ACCOUNT_MIN,
      lifetime: 60,
      ...fields,
    });
  }

  close(
    on: Made,
    opening: SignedTx,
    amount: bigint,
    fields: Partial<TxOf<'close'>> = {},
  ): SignedTx {
    const channel = txId(this.params.genesis.id, opening.tx);
    const voucher = signHash(voucherHash(this.params.genesis.id, channel, amount), SIGNER.secret);
    return this.sign(on, PROVIDER, {
      type: 'close',
      nonce: 0n,
      channel,
      amount,
      voucher,
      ...fields,
    });
  }
}

export const PROVIDER = person(80);

const NO_PROOF: Block['proof'] = {
  linear: 0,
  tile: 0,
  x: [],
  t: [],
  a: new Uint8Array(32),
  y: new Uint8Array(32),
  rows: new Uint8Array(0),
  rowPath: [],
  columns: new Uint8Array(0),
  columnPath: [],
};
