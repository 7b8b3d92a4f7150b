/** A chain of states without headers' history: executes bodies one after another, and can undo them. */
import { heldIn } from '../../src/chain/shared/totals.ts';
import { equal, toHex } from '../../src/lib/bytes.ts';
import { bodyRoot } from '../../src/core/tx/body.ts';
import { describeFault, isFault, type Fault } from '../../src/core/faults.ts';
import { Account, Body, type Header } from '../../src/core/formats.ts';
import { decode, encode } from '../../src/core/codec.ts';
import { ZERO_HASH } from '../../src/core/hash.ts';
import { stateKey } from '../../src/core/tree/keys.ts';
import type { Params } from '../../src/core/params.ts';
import { executeBlock, type Executed } from '../../src/core/state.ts';
import type { StateContext } from '../../src/core/tx/state-tx.ts';
import {
  EMPTY_TREE,
  proveKeys,
  treeFromProof,
  treeGet,
  treeRoot,
  treeUpdate,
  type Tree,
} from '../../src/core/tree/tree.ts';
import { asBody, GENESIS_ID, MINER, paramsOf, type Bodies, type Person } from './fixtures.ts';

/** What executing knows besides the state. */
export const CONTEXT: StateContext = { genesis: GENESIS_ID };

export class Ledger {
  height = 0;
  tree: Tree = EMPTY_TREE;
  readonly done: Executed[] = [];
  /** Of each of them: address that it pays, and its encoded body, in hex. */
  readonly made: { miner: string; body: string }[] = [];
  readonly params: Params;
  readonly context: StateContext;

  constructor(params: Params = paramsOf(), context: StateContext = CONTEXT) {
    this.params = params;
    this.context = context;
  }

  header(body: Bodies = [], fields: Partial<Header> = {}): Header {
    return {
      version: 2,
      knows: 2,
      height: this.height + 1,
      prevHash: ZERO_HASH,
      mmrRoot: ZERO_HASH,
      bodyRoot: bodyRoot(asBody(body)),
      stateRoot: treeRoot(this.tree),
      miner: MINER.address,
      time: 1,
      slip: 0,
      totalWork: 0n,
      nonce: 0n,
      model: 0,
      proofDigest: ZERO_HASH,
      ...fields,
    };
  }

  /** The next state, or why there is none. Nothing is kept. */
  preview(body: Bodies, fields: Partial<Header> = {}): Executed | Fault {
    const header = this.header(body, fields);
    return executeBlock(this.tree, header, asBody(body), this.params, this.context);
  }

  /** Executes the next block, and once more from its witness alone. */
  add(body: Bodies = [], fields: Partial<Header> = {}): Executed {
    const header = this.header(body, fields);
    const full = this.preview(body, fields);
    if (isFault(full)) throw new Error(`refused: ${describeFault(full)}`);
    const witness = treeFromProof(proveKeys(this.tree, full.touched));
    if (isFault(witness)) throw new Error('witness is malformed');
    const again = executeBlock(witness, header, asBody(body), this.params, this.context);
    if (isFault(again)) throw new Error(`the witness does not suffice: ${again.fault}`);
    if (!equal(treeRoot(again.tree), treeRoot(full.tree))) throw new Error('roots differ');
    this.tree = full.tree;
    this.height++;
    this.done.push(full);
    this.made.push({
      miner: toHex(header.miner),
      body: toHex(encode(Body, asBody(body))),
    });
    return full;
  }

  /** Fault code of a block with this body. */
  fault(body: Bodies, fields: Partial<Header> = {}): string | undefined {
    const out = this.preview(body, fields);
    return isFault(out) ? out.fault : undefined;
  }

  /** nV in accounts, coinbases and channels. */
  coins(): bigint {
    return heldIn(this.tree, { ...this.params, height: this.height }).held;
  }

  /** nV that the blocks so far burned. */
  get burned(): bigint {
    return this.done.reduce((sum, { burned }) => sum + burned, 0n);
  }

  skip(blocks: number, fields: Partial<Header> = {}): void {
    for (let i = 0; i < blocks; i++) this.add([], fields);
  }

  undo(): void {
    this.made.pop();
    const { changes } = this.done.pop()!;
    this.tree = treeUpdate(
      this.tree,
      changes.map((c) => ({ key: c.key, value: c.before })),
    );
    this.height--;
  }

  account(of: Uint8Array): Account | undefined {
    const value = treeGet(this.tree, stateKey.account(of));
    return value && decode(Account, value);
  }

  balance(of: Person): bigint {
    return this.account(of.address)?.balance ?? 0n;
  }

  /** A ledger where this person has mined `blocks` blocks that have matured. */
  static rich(of: Person, blocks = 1, params = paramsOf(), context = CONTEXT): Ledger {
    const ledger = new Ledger(params, context);
    ledger.skip(blocks, { miner: of.address });
    ledger.skip(params.maturityBlocks);
    return ledger;
  }
}

export const hexes = (keys: readonly Uint8Array[]): string[] => keys.map(toHex);
