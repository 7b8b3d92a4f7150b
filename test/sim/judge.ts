/**
 * The judge sees every block that anybody made and executes it from genesis by the core's rules alone, with no
 * window, no fork choice and no peers. What clients believe is compared with it.
 */
import { verifyBody } from '../../src/core/tx/body.ts';
import { decode } from '../../src/core/codec.ts';
import { isFault, type FaultCode } from '../../src/core/faults.ts';
import { Account, Channel, Coinbase } from '../../src/core/formats.ts';
import {
  blockId,
  extendPoint,
  genesisTree,
  verifyHeader,
  type ChainPoint,
} from '../../src/core/header/header.ts';
import { stateKey } from '../../src/core/tree/keys.ts';
import type { Block } from '../../src/core/messages.ts';
import { FAUCET_SUPPLY, type Params } from '../../src/core/params.ts';
import { executeBlock, subsidyAt } from '../../src/core/state.ts';
import { treeEntries, treeGet, treeRoot, type Tree } from '../../src/core/tree/tree.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { equal, fromHex, toHex } from '../../src/lib/bytes.ts';
import { genesisLedger, nextLedger, type Ledger } from './ledger.ts';
import { verifyWork } from './work.ts';

/** A block on which all rules hold, and the state after it. */
export interface Judged {
  readonly point: ChainPoint;
  readonly tree: Tree;
  readonly parent: Judged | undefined;
  /** Balances by the bodies alone. */
  readonly ledger: Ledger;
  /** Hex ids of the block's transactions. */
  readonly txs: readonly string[];
  readonly bytes: Block | undefined;
}

/** No other leaf is as long. */
const ACCOUNT_BYTES = 28;

export class Judge {
  readonly genesis: Judged;
  readonly #params: Params;
  readonly #good = new Map<string, Judged>();
  readonly #bad = new Map<string, FaultCode>();

  constructor(params: Params, genesis: ChainPoint) {
    this.#params = params;
    const tree = genesisTree(params);
    const none = { parent: undefined, bytes: undefined };
    this.genesis = { point: genesis, tree, txs: [], ledger: genesisLedger(params), ...none };
    this.#good.set(toHex(genesis.id), this.genesis);
  }

  valid(idHex: string): Judged | undefined {
    return this.#good.get(idHex);
  }

  /** Why a block is not valid: the rule it breaks, or that nobody made it. */
  verdict(idHex: string): FaultCode | 'unknown' | undefined {
    return this.#good.has(idHex) ? undefined : (this.#bad.get(idHex) ?? 'unknown');
  }

  get blocks(): { good: number; bad: number } {
    return { good: this.#good.size - 1, bad: this.#bad.size };
  }

  /** @returns whether it is new */
  record(block: Block): boolean {
    const id = toHex(blockId(block.header));
    if (this.#good.has(id) || this.#bad.has(id)) return false;
    const judged = this.#judge(block);
    if (typeof judged === 'string') this.#bad.set(id, judged);
    else this.#good.set(id, judged);
    return true;
  }

  #judge(block: Block): Judged | FaultCode {
    const { header, body, proof } = block;
    const parentHex = toHex(header.prevHash);
    const parent = this.#good.get(parentHex);
    if (!parent) return this.#bad.get(parentHex) ?? 'header.parent-unknown';
    // The rule on future time is left out, because it depends on the receiver's clock.
    const refused =
      verifyHeader(this.#params, parent.point, header, Infinity) ??
      verifyWork(this.#params, header, proof) ??
      verifyBody(this.#params.rules, { header, body });
    if (refused) return refused.fault;
    const context = { genesis: this.genesis.point.id };
    const executed = executeBlock(parent.tree, header, body, this.#params, context);
    if (isFault(executed)) return executed.fault;
    const point = extendPoint(this.#params, parent.point, header);
    const txs = body.transactions.map(({ tx }) => toHex(txId(context.genesis, tx)));
    const ledger = nextLedger(parent.ledger, this.#params, { ...block, ...context });
    return { point, tree: executed.tree, parent, ledger, txs, bytes: block };
  }

  account(at: Judged, address: Uint8Array): Account | undefined {
    const leaf = treeGet(at.tree, stateKey.account(address));
    return leaf && decode(Account, leaf);
  }

  /** nV of the coinbases that pay an address and have not matured. */
  immature(at: Judged, address: Uint8Array): bigint {
    return this.#coinbases(at)
      .filter(({ miner }) => equal(miner, address))
      .reduce((sum, { amount }) => sum + amount, 0n);
  }

  /** issued − burned − held, nV: 0 unless coins came from nothing or were lost. */
  missing(at: Judged): bigint {
    const { height } = at.point.header;
    let issued = this.#params.faucet ? FAUCET_SUPPLY : 0n;
    for (let h = 1; h <= height; h++) issued += subsidyAt(h);
    let held = this.#coinbases(at).reduce((sum, { amount }) => sum + amount, 0n);
    for (const { value } of treeEntries(at.tree))
      if (value.length === ACCOUNT_BYTES) held += decode(Account, value).balance;
    for (const id of at.ledger.channels.keys()) {
      const leaf = treeGet(at.tree, stateKey.channel(fromHex(id)!));
      if (leaf) held += decode(Channel, leaf).limit;
    }
    return issued - held - at.ledger.burned;
  }

  /** Differences between the state and the bodies: too much or too little on an account. */
  *wrong(at: Judged): Generator<string, void> {
    yield* at.ledger.wrong;
    for (const [hex, balance] of at.ledger.balances) {
      const held = this.account(at, fromHex(hex)!)?.balance ?? 0n;
      if (held !== balance) yield `${hex.slice(0, 12)} has ${held} nV in the state, not ${balance}`;
    }
  }

  #coinbases({ tree, point }: Judged): Coinbase[] {
    const { height } = point.header;
    const found: Coinbase[] = [];
    for (let h = Math.max(1, height - this.#params.maturityBlocks); h <= height; h++) {
      const leaf = treeGet(tree, stateKey.coinbase(h));
      if (leaf) found.push(decode(Coinbase, leaf));
    }
    return found;
  }

  /** Hex ids of all transactions from genesis to there. */
  confirmed(at: Judged): Set<string> {
    const ids = new Set<string>();
    for (let one: Judged | undefined = at; one; one = one.parent)
      for (const id of one.txs) ids.add(id);
    return ids;
  }

  rootAfter(at: Judged): Uint8Array {
    return treeRoot(at.tree);
  }
}
