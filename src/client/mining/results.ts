/**
 * Checks which results are true, as far as the model runs here. Peers without the model relay false results,
 * and a peer with the model refuses a block that holds one: a miner must leave them out of its blocks.
 */
import { tryDecode } from '../../core/codec.ts';
import { addressOf } from '../../core/address.ts';
import { fault, type Fault } from '../../core/faults.ts';
import { Claim, OpenRequest, type SignedTx, type TxOf } from '../../core/formats.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { commitmentOf, type Execution } from '../../core/tx/state-tx.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { known } from './open-requests.ts';

/** Runs that are remembered, because each costs a unit. */
const EXECUTIONS_MAX = 256;

export interface Results {
  /** Keeps the outcome of running a request here. */
  note(requestId: Uint8Array, ran: Execution): void;
  /** Leaves out results that are false or not verified yet; the same array when there are none. */
  verifiedOnly(txs: readonly SignedTx[], tree: Tree | undefined): readonly SignedTx[];
  /** Runs the model on requests whose results are not verified yet. @returns whether it ran */
  learn(txs: readonly SignedTx[], tree: Tree | undefined, modelId: Uint8Array): Promise<boolean>;
  /** The fault of the first false result; `tree`: the state before it. Results whose request was not run pass. */
  check(txs: readonly SignedTx[], tree: Tree | undefined): Fault | undefined;
}

/** Runs a model on an input; rejects when it cannot run now. */
type Run = (modelId: Uint8Array, input: Uint8Array) => Promise<Execution>;

export function createResults(run: Run): Results {
  const executions = new BoundedMap<string, Execution>(EXECUTIONS_MAX);
  let running = false;

  /** The verdict on a result: true, its fault, or undefined when it is not known yet. */
  function judge(tx: TxOf<'result'>, tree: Tree | undefined): Fault | true | undefined {
    const ran = executions.get(toHex(tx.request));
    const payee = addressOf(tx.from);
    const leaf = tree && known(tree, stateKey.claim(tx.request, payee));
    const claim = leaf && tryDecode(Claim, leaf);
    if (!ran || !claim) return undefined;
    if (!equal(tx.answer, ran.answer)) return fault('tx.result-answer');
    const isOwn = equal(claim.commitment, commitmentOf(tx.request, payee, ran));
    return isOwn || fault('tx.result-commitment');
  }

  return {
    note: (id, { execution, answer }) => executions.set(toHex(id), { execution, answer }),
    verifiedOnly(txs, tree) {
      const verified = txs.filter(({ tx }) => tx.type !== 'result' || judge(tx, tree) === true);
      return verified.length === txs.length ? txs : verified;
    },
    async learn(txs, tree, modelId) {
      if (running || !tree) return false;
      running = true;
      let learned = false;
      try {
        for (const { tx } of txs) {
          if (tx.type !== 'result' || executions.has(toHex(tx.request))) continue;
          const leaf = known(tree, stateKey.request(tx.request));
          const request = leaf && tryDecode(OpenRequest, leaf);
          if (!request || !equal(request.modelId, modelId)) continue;
          executions.set(toHex(tx.request), await run(modelId, request.input));
          learned = true;
        }
      } finally {
        running = false;
      }
      return learned;
    },
    check(txs, tree) {
      for (const { tx } of txs) {
        const verdict = tx.type === 'result' ? judge(tx, tree) : undefined;
        if (verdict && verdict !== true) return verdict;
      }
      return undefined;
    },
  };
}
