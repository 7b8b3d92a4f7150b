/**
 * Serving requests while mining: chooses the next request, and makes its claim and result once it is answered.
 * Nothing here is stored: a request whose answer was not sent is found open in the state, and run again.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { FEE_MIN } from '../../chain/shared/mempool.ts';
import { addressOf } from '../../core/address.ts';
import { encode, tryDecode } from '../../core/codec.ts';
import { Account, Claim, OpenRequest, Tx, type Header, type SignedTx } from '../../core/formats.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { endOf } from '../../core/state.ts';
import { commitmentOf } from '../../core/tx/state-tx.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { compare, equal, toHex } from '../../lib/bytes.ts';
import type { AnsweredJob } from '../../miner/engine/miner-api.ts';
import type { Prepared } from '../api.ts';
import { known, OpenRequests, type OpenJob } from './open-requests.ts';

/** Answers kept until they are paid or come too late. */
const ANSWERS_MAX = 64;
/** ms in which a claim and result must come back signed, before they are made again. */
const SIGNING_MS = 20_000;
/** Times an answer is sent for signing: the signer or the network may have refused it. */
const TRIES_MAX = 5;

/** `fee` in nV; the sender fills in the other fields. */
export type AnswerTx =
  | { type: 'claim'; fee: bigint; request: Uint8Array; commitment: Uint8Array }
  | { type: 'result'; fee: bigint; request: Uint8Array; answer: Uint8Array };

export interface ServingDeps {
  /** The head and the state after it, as far as it is known. */
  readonly base: () => { readonly header: Header; readonly tree: Tree } | undefined;
  /** Transactions of ours that wait for a block. */
  readonly waiting: () => readonly SignedTx[];
  /**
   * Has the transactions signed by the payee and sent, in this order and with consecutive nonces; `nonce`: the
   * payee's nonce in the state, without counting transactions that wait.
   */
  readonly send: (payee: Payee, txs: readonly AnswerTx[], nonce: number) => Promise<void>;
  readonly nowMs: () => number;
  readonly onProblem: (e: unknown) => void;
  /** Called when another request is next, or none. */
  readonly onChange: () => void;
}

export interface Payee {
  /** x-only. */
  readonly publicKey: Uint8Array;
  readonly address: Uint8Array;
}

export interface Job {
  readonly id: Uint8Array;
  readonly input: Uint8Array;
}

export interface RequestServing {
  /** x-only key of the payee; undefined: mine without serving requests. */
  serve(publicKey: Uint8Array | undefined): void;
  /** The request to work on next; undefined: mine without one. */
  nextJob(modelId: Uint8Array): Job | undefined;
  /** Takes the answer that a unit gave to its job. */
  take(answered: AnsweredJob): void;
  /** After a new head or a new transaction: sends the claims and results that are due. */
  refresh(): Promise<void>;
}

interface Answer {
  readonly ran: AnsweredJob;
  tries: number;
  /** Chain height at which a transaction was first found missing (retries only). */
  missingAt: number | undefined;
}

export function createServing(deps: ServingDeps): RequestServing {
  const open = new OpenRequests();
  const answers = new BoundedMap<string, Answer>(ANSWERS_MAX);
  let payee: Payee | undefined;
  /** Sent to the signer and not in the pool yet: its nonces are reserved. */
  let pending: { readonly hex: string; readonly untilMs: number } | undefined;
  let running: Promise<void> | undefined;
  let again = false;

  function nextJob(modelId: Uint8Array): Job | undefined {
    const base = deps.base();
    const who = payee;
    if (!base || !who || !canClaim(base.tree, who)) return undefined;
    const { height } = base.header;
    const sent = sentBy(deps.waiting(), who);
    const isOurs = ({ id, hex, request }: OpenJob): boolean =>
      equal(request.modelId, modelId) &&
      !answers.has(hex) &&
      !sent.has(`result ${hex}`) &&
      isWorthwhile(base.tree, height, who, id, request, sent.has(`claim ${hex}`));
    const [best] = open.list(base.tree, height).filter(isOurs).sort(byReward(who));
    return best && { id: best.id, input: best.request.input };
  }

  /** The transactions that an answer still needs; `over` when it can earn nothing any more. */
  function due(base: { header: Header; tree: Tree }, who: Payee, ran: AnsweredJob) {
    const { height } = base.header;
    const hex = toHex(ran.jobId);
    const request = readLeaf(OpenRequest, base.tree, stateKey.request(ran.jobId));
    const sent = sentBy(deps.waiting(), who);
    const hasClaim = sent.has(`claim ${hex}`);
    if (hasClaim && sent.has(`result ${hex}`)) return 'sent';
    if (!request || !isWorthwhile(base.tree, height, who, ran.jobId, request, hasClaim))
      return 'over';
    const isClaimed = hasClaim || claimOf(base.tree, who, ran.jobId) !== undefined;
    if (isClaimed && sent.has(`result ${hex}`)) return 'sent';
    const { jobId, answer } = ran;
    const commitment = commitmentOf(jobId, who.address, ran);
    const claim = { type: 'claim', fee: FEE_MIN, request: jobId, commitment } as const;
    const result = { type: 'result', fee: 0n, request: jobId, answer } as const;
    return isClaimed ? [result] : [claim, result];
  }

  /** Sends one answer at a time to the signer: the next one's nonces are known once this one waits. */
  // eslint-disable-next-line complexity -- payment channels take its place
  async function sendDue(): Promise<void> {
    const base = deps.base();
    const who = payee;
    if (!base || !who) return;
    for (const [hex, entry] of [...answers]) {
      const txs = due(base, who, entry.ran);
      if (pending?.hex === hex && (txs === 'sent' || txs === 'over')) pending = undefined;
      if (txs === 'over') answers.delete(hex);
      if (txs === 'sent') entry.missingAt = undefined;
      if (txs === 'sent' || txs === 'over') continue;
      if (!isFirst(entry, txs) && !isStillMissing(entry, base.header.height)) continue;
      if (pending && deps.nowMs() < pending.untilMs) continue;
      if (++entry.tries > TRIES_MAX) {
        answers.delete(hex);
        continue;
      }
      pending = { hex, untilMs: deps.nowMs() + SIGNING_MS };
      await deps.send(who, txs, accountOf(base.tree, who)?.nonce ?? 0).catch(deps.onProblem);
    }
  }

  /** Runs once at a time, and once more when it is called meanwhile. */
  function refresh(): Promise<void> {
    again = true;
    return (running ??= (async () => {
      while (again) {
        again = false;
        await sendDue().catch(deps.onProblem);
      }
      running = undefined;
    })());
  }

  return {
    serve(publicKey) {
      payee = publicKey && { publicKey, address: addressOf(publicKey) };
      pending = undefined;
      void refresh();
      deps.onChange();
    },
    nextJob,
    take(ran) {
      answers.set(toHex(ran.jobId), { ran, tries: 0, missingAt: undefined });
      void refresh();
      deps.onChange();
    },
    refresh,
  };
}

/** A light client's head and what is known of the state after it. */
export function baseOf(chain: LightChain): { header: Header; tree: Tree } | undefined {
  const { header, id } = chain.headers.head();
  const tree = chain.state.after(id);
  return tree && { header, tree };
}

/** Sends by handing encoded unsigned transactions to the holder of the keys. */
export const handOut =
  (
    prepare: (address: Uint8Array) => Promise<Prepared>,
    onUnsigned: (tx: Uint8Array) => void,
  ): ServingDeps['send'] =>
  async (payee, txs, nonce) => {
    const { chainId, expiry, ...next } = await prepare(payee.address);
    const first = Math.max(nonce, next.nonce);
    for (const [i, fields] of txs.entries()) {
      const tx = { ...fields, chainId, from: payee.publicKey, nonce: first + i, expiry };
      onUnsigned(encode(Tx, tx));
    }
  };

const isFirst = ({ tries }: Answer, txs: readonly AnswerTx[]): boolean => !tries && txs.length > 1;

/** Whether it is missing for more than one head: in a reorganisation a transaction is nowhere for a moment. */
function isStillMissing(answer: Answer, height: number): boolean {
  answer.missingAt ??= height;
  return height > answer.missingAt;
}

function readLeaf<T>(
  codec: Parameters<typeof tryDecode<T>>[0],
  tree: Tree,
  key: Uint8Array,
): T | undefined {
  const value = known(tree, key);
  return value && tryDecode(codec, value);
}

const claimOf = (tree: Tree, { address }: Payee, id: Uint8Array): Claim | undefined =>
  readLeaf(Claim, tree, stateKey.claim(id, address));

const accountOf = (tree: Tree, { address }: Payee): Account | undefined =>
  readLeaf(Account, tree, stateKey.account(address));

/** A claim costs a fee: without coins there is nothing to serve with. */
const canClaim = (tree: Tree, who: Payee): boolean =>
  (accountOf(tree, who)?.balance ?? 0n) >= FEE_MIN;

/** `claim <id>` and `result <id>` of the payee's transactions that wait. */
function sentBy(waiting: readonly SignedTx[], { publicKey }: Payee): Set<string> {
  const sent = new Set<string>();
  for (const { tx } of waiting)
    if ((tx.type === 'claim' || tx.type === 'result') && equal(tx.from, publicKey))
      sent.add(`${tx.type} ${toHex(tx.request)}`);
  return sent;
}

/**
 * Whether an answer can still be paid: before the first result any answer; after it only one whose claim
 * is earlier than the best claim. A claim and its result need a block each.
 */
// eslint-disable-next-line @typescript-eslint/max-params -- payment channels take its place
function isWorthwhile(
  tree: Tree,
  height: number,
  who: Payee,
  id: Uint8Array,
  request: OpenRequest,
  isClaimWaiting: boolean,
): boolean {
  const own = claimOf(tree, who, id);
  const blocksLeft = endOf(request) - height - 1;
  if (!own) return blocksLeft >= 2 && (isClaimWaiting || !request.settle);
  if (blocksLeft < 1) return false;
  const best = request.best?.claim;
  if (!best) return true;
  return (own.position.height - best.height || own.position.index - best.index) < 0;
}

/** The best reward first; equal rewards by a distance to the payee, so that miners choose different ones. */
const byReward =
  ({ address }: Payee) =>
  (a: OpenJob, b: OpenJob): number => {
    if (a.request.reward !== b.request.reward) return a.request.reward > b.request.reward ? -1 : 1;
    const far = (id: Uint8Array) => id.map((byte, i) => byte ^ address[i]!);
    return compare(far(a.id), far(b.id));
  };
