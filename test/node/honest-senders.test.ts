/**
 * Nobody is charged for what the receiver does not know: every fault that honest senders can provoke, at receivers
 * that are behind, ahead or on another branch. What a sender sends is valid on its own chain, which is checked.
 */
import { VerifiedSignatures } from '../../src/chain/shared/verified-signatures.ts';
import { describe, expect, test } from 'vitest';
import { Mempool, poolBase, SENDER_TXS_MAX } from '../../src/chain/shared/mempool.ts';
import { createLightPool } from '../../src/client/wallet/light-pool.ts';
import { encode } from '../../src/core/codec.ts';
import { fault, FAULTS, isFault, penaltyOf, type Fault } from '../../src/core/faults.ts';
import type { FaultCode } from '../../src/core/faults.ts';
import {
  Account,
  Channel,
  ChannelList,
  type Header,
  type SignedTx,
} from '../../src/core/formats.ts';
import { hash } from '../../src/core/hash.ts';
import {
  blockId,
  extendPoint,
  genesisPoint,
  genesisTree,
  templateCore,
  type ChainPoint,
} from '../../src/core/header/header.ts';
import {
  CHANNEL_LIFETIME_MIN,
  ACCOUNT_MIN,
  CHANNELS_PER_EXPIRY_MAX,
  EXPIRY_BLOCKS_MAX,
  NANOVOLTS,
  PROTOCOL_VERSION,
} from '../../src/core/params.ts';
import { workOf } from '../../src/core/header/target.ts';
import { stateKey } from '../../src/core/tree/keys.ts';
import { treeRoot, treeSet, type Tree } from '../../src/core/tree/tree.ts';
import { bodyOf, bodyRoot } from '../../src/core/tx/body.ts';
import { U32_MAX } from '../../src/core/tx/state-tx.ts';
import { signTx, txId } from '../../src/core/tx/tx.ts';
import { equal, u32 } from '../../src/lib/bytes.ts';
import { silentLog } from '../../src/lib/log.ts';
import type { Transport, Verdict } from '../../src/net/transport.ts';
import { createFullSync } from '../../src/node/seed/full-sync.ts';
import { createHandlers } from '../../src/node/seed/serve-peers.ts';
import {
  BORN,
  close,
  CONTEXT,
  mine,
  openChain,
  PARAMS,
  person,
  prepay,
  PROOF,
  sign,
  SIGNER,
  START_MS,
} from '../chain/make-blocks.ts';
import { openLightChain } from '../chain/open-light.ts';
import { openFollower } from '../client/open-follower.ts';

/** Blocks that the receiver's head is below the sender's: at 0 it is on another branch, below 0 it is ahead. */
const BEHIND = [-10, 0, 10, 2_000, 20_000] as const;
/** The receiver's height. */
const HERE = 100;

const [ann, bob] = [person(1), person(2)] as const;
const EMPTY = genesisTree(PARAMS);

const withAccount = (tree: Tree, fields: Partial<Account>, who = ann): Tree => {
  const account = { balance: NANOVOLTS, nonce: BORN, txCount: 0, lastTx: { height: 1, index: 0 } };
  return treeSet(tree, stateKey.account(who.address), encode(Account, { ...account, ...fields }));
};
const RICH = withAccount(EMPTY, {});

/** A transaction of an honest sender, and the two states; where nothing is said, Ann has coins on both sides. */
interface Sent {
  readonly tx: SignedTx;
  readonly there?: Tree;
  readonly here?: Tree;
  /** In the receiver's pool already. */
  readonly waiting?: readonly SignedTx[];
  /** The receiver has no state at all yet. */
  readonly isBlind?: true;
  /** The sender has no state, and passes it on unjudged. */
  readonly isPassedOn?: true;
}

/** @param there the sender's height */
type SendTx = (there: number) => Sent;

/** Sends honest headers, proofs or blocks. @returns every verdict */
type SendBlocks = (behind: number) => Promise<(Verdict | undefined)[]>;

type Case =
  | { readonly tx: SendTx }
  | { readonly blocks: SendBlocks }
  /** Why no honest sender provokes it. */
  | { readonly never: string };

const GENESIS = genesisPoint(PARAMS, START_MS);

const pay = (nonce: number, expiry: number, fee = 10_000n, amount = ACCOUNT_MIN): SignedTx =>
  sign(
    ann,
    nonce,
    { type: 'transfer', to: bob.address, amount, memo: new Uint8Array(), expiry },
    fee,
  );

const FULL_LIST = encode(
  ChannelList,
  Array.from({ length: CHANNELS_PER_EXPIRY_MAX }, (_, i) => hash('tx', u32(i))),
);
const CHANNEL_ID = txId(GENESIS.id, prepay(ann, 0, bob).tx);
const CHANNEL = encode(Channel, {
  asker: ann.address,
  signer: SIGNER.xonly,
  provider: bob.xonly,
  payee: bob.address,
  limit: NANOVOLTS,
  expiry: 1_000_000,
});
const passedOn = ({ tx }: SignedTx, height: number): Sent => ({
  tx: signTx(
    GENESIS.id,
    { ...tx, expiry: height + 200 },
    (equal(tx.from, ann.xonly) ? ann : bob).secret,
  ),
  here: treeSet(RICH, stateKey.channel(CHANNEL_ID), CHANNEL),
  isPassedOn: true,
});
const SENDERS_ALL = Array.from({ length: SENDER_TXS_MAX }, (_, nonce) => pay(nonce, 900));

/** Headers that follow the rules, on a schedule of their own; the proofs are not looked at here. */
function headersOf(genesis: ChainPoint, miner: number, count: number): ChainPoint[] {
  const points: ChainPoint[] = [];
  for (let at = genesis; points.length < count; points.push(at)) {
    const core = templateCore(PARAMS, at, {
      timeMs: at.header.time + PARAMS.blockTimeMs,
      miner: person(miner).address,
      model: 0,
      bodyRoot: bodyRoot(bodyOf()),
      stateRoot: treeRoot(EMPTY),
    });
    at = extendPoint(PARAMS, at, { ...core, proofDigest: new Uint8Array(32) });
  }
  return points;
}

/** The sender's block of that height: the receiver knows nothing below it, so that nothing below it need be made. */
function blockAt(height: number): ChainPoint {
  const { header } = GENESIS;
  const time = header.time + (height - 1) * PARAMS.blockTimeMs;
  const totalWork = BigInt(height - 1) * workOf(PARAMS.targetStart);
  const parent = { ...header, height: height - 1, time, totalWork };
  const [made] = headersOf({ ...GENESIS, header: parent, id: blockId(parent) }, 3, 1);
  return made!;
}

const never = (): never => {
  throw new Error('nobody is asked here');
};
const silent = { peers: () => [], request: never, charge: never } as unknown as Transport;

/** A seed and a light client, both at that block of their own branch, then by that clock. */
async function receivers(nowMs = START_MS + 10 ** 9, height = 3) {
  const clock = { ms: START_MS };
  const full = await openChain(undefined, clock);
  const light = await openLightChain({ now: () => clock.ms }, GENESIS.header);
  const fullSync = createFullSync(full, silent, silentLog);
  const seed = createHandlers(full, () => fullSync, silentLog);
  const { follower } = openFollower(light, silent);

  for (const { header, body } of await mine(full, bob, height)) {
    expect(isFault(await light.headers.import([header]))).toBe(false);
    expect(await light.proofs.import(blockId(header), PROOF, body)).toBeUndefined();
  }
  clock.ms = nowMs;
  return { light, seed, follower };
}

/** Gossip of one block to a seed and to a browser. */
async function tell(header: Header, nowMs?: number, height?: number) {
  const { seed, follower } = await receivers(nowMs, height);
  const announce = { block: { header, body: bodyOf(), proof: PROOF }, sequence: 1 };
  return [await seed.onBlock('honest', announce), await follower.onBlock('honest', announce)];
}

const forged = {
  never: 'the bytes alone are wrong: who is honest refuses them and passes nothing on',
};
const bound = { never: 'the block commits to what is wrong, and who relays it is not to know' };
const ours = { never: 'what is sent answers our question or keeps a limit that honest peers keep' };

const CASES: Readonly<Record<FaultCode, Case>> = {
  'wire.malformed': ours,
  'wire.too-large': ours,
  'wire.unasked': ours,
  'wire.rate': ours,
  'wire.unproven': ours,
  'wire.model': ours,
  // The sender's program is newer.
  'wire.newer': {
    blocks: () => tell({ ...headersOf(GENESIS, 3, 1)[0]!.header, version: PROTOCOL_VERSION + 1 }),
  },
  'header.version': forged,
  'header.knows': forged,
  'header.height': forged,
  'header.parent-unknown': {
    async blocks(behind) {
      const { header } = blockAt(4 + Math.max(behind, 0));
      const { light } = await receivers();
      const alone = await light.headers.import([header]);
      return [...(await tell(header)), isFault(alone) ? alone : undefined];
    },
  },
  'header.mmr-root': forged,
  'header.time-order': forged,
  // The receiver's clock is as late as the sender is ahead.
  'header.time-future': {
    blocks: (behind) =>
      tell(headersOf(GENESIS, 3, 1)[0]!.header, START_MS - behind * PARAMS.blockTimeMs - 1e6, 0),
  },
  'header.slip': forged,
  'header.too-soon': { never: 'no chain gets there: nobody meets such a target' },
  'header.total-work': forged,
  'header.model': forged,
  'header.state-root': bound,
  'header.known-invalid': bound,
  'body.root': forged,
  'body.size': forged,
  'body.duplicate': forged,
  'body.shares': forged,
  'body.votes': forged,
  'proof.shape': forged,
  'proof.digest': forged,
  'proof.range': forged,
  'proof.rows': forged,
  'proof.columns': forged,
  'proof.target': forged,
  'proof.activations': bound,
  'proof.transcript': bound,
  'proof.earlier-winner': bound,
  'sync.unplaced': {
    async blocks(behind) {
      const { light } = await receivers();
      return [await light.proofs.import(blockAt(4 + Math.max(behind, 0)).id, PROOF, bodyOf())];
    },
  },
  'tx.chain': forged,
  'tx.signature': forged,
  'tx.expired': { tx: (height) => ({ tx: pay(0, height + 1) }) },
  'tx.expiry-far': { tx: (height) => ({ tx: pay(0, height + 1 + EXPIRY_BLOCKS_MAX) }) },
  'tx.nonce': {
    tx: (height) => ({ tx: pay(7, height + 200), there: withAccount(EMPTY, { nonce: BORN + 7n }) }),
  },
  'tx.balance': {
    tx: (height) => ({
      tx: pay(0, height + 200),
      here: withAccount(EMPTY, { balance: ACCOUNT_MIN }),
    }),
  },
  'tx.amount': forged,
  'tx.dust': {
    tx: (height) => ({
      tx: pay(0, height + 200, 10_000n, 1n),
      there: withAccount(RICH, {}, bob),
    }),
  },
  'tx.overflow': {
    tx: (height) => ({ tx: pay(0, height + 200), here: withAccount(EMPTY, { txCount: U32_MAX }) }),
  },
  'tx.channel-limit': forged,
  'tx.channel-lifetime': forged,
  'tx.channel-full': {
    tx: (height) => ({
      tx: prepay(ann, 0, bob, { limit: ACCOUNT_MIN, expiry: height + 200 }),
      here: treeSet(RICH, stateKey.channelsEnding(HERE + 1 + CHANNEL_LIFETIME_MIN), FULL_LIST),
    }),
  },
  'tx.close-nonce': forged,
  'tx.close-fee': forged,
  'tx.close-unknown': {
    tx: (height) => ({
      tx: close(bob, CHANNEL_ID, 50_000n, { expiry: height + 200 }),
      there: treeSet(RICH, stateKey.channel(CHANNEL_ID), CHANNEL),
    }),
  },
  'tx.close-provider': { tx: (height) => passedOn(close(ann, CHANNEL_ID, 50_000n), height) },
  'tx.close-amount': { tx: (height) => passedOn(close(bob, CHANNEL_ID, 2n * NANOVOLTS), height) },
  'tx.close-voucher': {
    tx: (height) =>
      passedOn(close(bob, CHANNEL_ID, 50_000n, { voucher: new Uint8Array(64) }), height),
  },
  'tx.known': {
    tx(height) {
      const tx = pay(0, height + 200);
      return { tx, waiting: [tx] };
    },
  },
  'tx.fee-low': {
    tx: (height) => ({ tx: pay(0, height + 200), waiting: [pay(0, height + 200, 90_000n)] }),
  },
  'tx.pool-full': {
    tx: (height) => ({
      tx: pay(SENDER_TXS_MAX, height + 200),
      there: withAccount(EMPTY, { nonce: BORN + BigInt(SENDER_TXS_MAX) }),
      waiting: SENDERS_ALL,
    }),
  },
  'tx.unjudged': { tx: (height) => ({ tx: pay(0, height + 200), isBlind: true }) },
  'offer.signature': forged,
  'state.witness': ours,
  'state.proof': ours,
  'state.root': bound,
};

const headAt = (height: number): Header => ({ ...GENESIS.header, height });

function poolAt(height: number, tree: Tree | undefined, waiting: readonly SignedTx[] = []) {
  const pool = new Mempool(new VerifiedSignatures(GENESIS.id));
  if (tree) pool.setBase(poolBase(PARAMS, CONTEXT, tree, headAt(height)));
  for (const tx of waiting) pool.add(tx);
  return pool;
}

function lightPoolAt(tree: Tree | undefined, waiting: readonly SignedTx[] = []) {
  const pool = createLightPool(PARAMS, CONTEXT);
  pool.setHead(headAt(HERE), tree);
  for (const tx of waiting) pool.add(tx, HERE);
  return pool;
}

/** What a seed's pool, a browser's, and a browser's without the state say to it. */
function verdictsOn({ tx, there: sent = RICH, here = RICH, waiting, ...has }: Sent, from: number) {
  const { isBlind, isPassedOn } = has;
  const sender = isPassedOn ? lightPoolAt(undefined) : poolAt(from, sent);
  expect(sender.add(tx, from), 'the sender itself takes it').toBeUndefined();
  const lights = [isBlind ? undefined : here, undefined].map((tree) => {
    const refused = lightPoolAt(tree, waiting).add(tx, HERE);
    return refused === 'known' ? fault('tx.known') : refused;
  });
  return [poolAt(HERE, isBlind ? undefined : here, waiting).add(tx), ...lights];
}

const verdictsAt = async (provoked: Case, behind: number): Promise<Fault[]> => {
  if ('never' in provoked) return [];
  const verdicts =
    'tx' in provoked
      ? verdictsOn(provoked.tx(HERE + behind), HERE + behind)
      : await provoked.blocks(behind);
  return verdicts.filter(isFault);
};

const PROVOKED = Object.entries(CASES).filter(([, one]) => !('never' in one));

describe('an honest sender is charged nothing', () => {
  test.each(PROVOKED)('for %s, whatever lies between the heads', async (code, provoked) => {
    const codes = new Set<string>();
    for (const behind of BEHIND)
      for (const refused of await verdictsAt(provoked, behind)) {
        codes.add(refused.fault);
        expect({ behind, ...refused, points: penaltyOf(refused) }).toMatchObject({ points: 0 });
      }
    // The case does provoke it.
    expect([...codes]).toContain(code);
  });

  test('and what it can provoke is just what the table of faults says depends on a view', () => {
    const byTable = Object.entries(FAULTS).filter(([, { dependsOn }]) => dependsOn === 'view');
    expect(PROVOKED.map(([code]) => code).sort()).toEqual(byTable.map(([code]) => code).sort());
  });
});
