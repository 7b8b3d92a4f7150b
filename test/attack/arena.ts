/**
 * The surroundings of the attacks: judges that are told the same blocks, and an honest copy of their chain in this
 * process, so that a forged block is right in all but one thing. With all rules the judges are of four kinds; without
 * some, a full node and a client of this process, for whom the attack must win.
 */
import { schnorr } from '@noble/curves/secp256k1.js';
import { answer, unavailable } from '../../src/chain/shared/answer.ts';
import type { FullChain } from '../../src/chain/full/full-chain.ts';
import { modelNamed, networkOf, type ChainNetwork } from '../../src/client/models/networks.ts';
import { addressOf } from '../../src/core/address.ts';
import { isFault, type FaultCode } from '../../src/core/faults.ts';
import type { Header, HeaderCore, SignedTx, Tx } from '../../src/core/formats.ts';
import { blockId, msUntilTimely } from '../../src/core/header/header.ts';
import { plainHash } from '../../src/core/hash.ts';
import type { Block } from '../../src/core/messages.ts';
import { FAUCET_SECRET, NANOVOLTS } from '../../src/core/params.ts';
import { bodyOf, bodyRoot } from '../../src/core/tx/body.ts';
import { signTx, txId } from '../../src/core/tx/tx.ts';
import { fromHex, toHex, utf8 } from '../../src/lib/bytes.ts';
import { BAN_AT } from '../../src/net/penalties.ts';
import { asBody, type Bodies } from '../core/fixtures.ts';
import type { Forger } from './forger.ts';
import { openChain } from './judges/full-judge.ts';
import { describeHeard, HONEST, type Heard, type Judge, type Source } from './judges/judge.ts';
import type { AnswerOf } from './judges/wire.ts';
import { without } from './without.ts';
import type { Knows, Verdict } from './verdict.ts';

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
const FAUCET = personOf(fromHex(FAUCET_SECRET, 32)!);
/** nV of a transaction's fee. */
export const FEE = 10_000n;

/** ms in which all judges have come to the honest head; those that missed a message ask for it meanwhile. */
const AGREE_MS = 60_000;
const LOOK_MS = 20;
/** ms without a question after which a judge asks no more. */
const QUIET_MS = 2_000;
export interface ArenaDeps {
  readonly network: ChainNetwork;
  readonly genesis: Header;
  readonly forger: Forger;
  readonly open: (answer: AnswerOf, network: ChainNetwork) => Promise<readonly Judge[]>;
}

export class Arena {
  readonly judges: readonly Judge[];
  readonly chain: FullChain;
  readonly forger: Forger;
  readonly network: ChainNetwork;
  readonly #sources: Map<string, Source>;
  readonly #modelId: Uint8Array;
  readonly #made = new Map<string, Promise<unknown>>();
  #cores = 0;
  #thieves = 0;

  private constructor(
    { network, forger }: ArenaDeps,
    chain: FullChain,
    judges: readonly Judge[],
    sources: Map<string, Source>,
  ) {
    this.network = network;
    this.forger = forger;
    forger.params = chain.params;
    this.chain = chain;
    this.judges = judges;
    this.#sources = sources;
    this.#modelId = modelNamed(network, 'tiny')!.id;
  }

  /** @param off rules that neither the judges nor the copy have */
  static async open(deps: ArenaDeps, off: readonly FaultCode[]): Promise<Arena> {
    const network = { ...deps.network, params: without(deps.network.params, off) };
    const chain = await openChain({ ...deps, network });
    const sources = new Map<string, Source>([
      [HONEST, (request) => answer(chain, request, () => chain.mempool.byFee())],
    ]);
    const judges = await deps.open(async (peer, request) => {
      const source = sources.get(peer);
      return source ? await source(request) : unavailable('it has nothing');
    }, network);
    return new Arena({ ...deps, network }, chain, judges, sources);
  }

  get chainId(): number {
    return this.network.params.chainId;
  }

  get modelId(): Uint8Array {
    return this.#modelId;
  }

  get genesisId(): Uint8Array {
    return this.chain.params.genesis.id;
  }

  idOf({ tx }: SignedTx): Uint8Array {
    return txId(this.genesisId, tx);
  }

  /** Something that several attacks need: the first makes it, the others share it. */
  once<T>(name: string, make: () => Promise<T>): Promise<T> {
    if (!this.#made.has(name)) this.#made.set(name, make());
    return this.#made.get(name) as Promise<T>;
  }

  /** Header to work on; on schedule, so that the target stays the easiest, or `afterMs` later. */
  core(miner: Person, body: Bodies = [], afterMs = 2000): HeaderCore {
    const { genesis, lagMs } = this.chain.params;
    const before = Math.max(this.chain.head().header.time, genesis.timeMs + lagMs);
    return this.coreAt(miner, before + afterMs, body);
  }

  /** The same with a time of its own. */
  coreAt(miner: Person, nowMs: number, body: Bodies = []): HeaderCore {
    const { core } = this.chain.template({ miner: miner.address, modelId: this.#modelId, nowMs });
    return this.fresh({ ...core, bodyRoot: bodyRoot(asBody(body)) });
  }

  /** With another nonce, so that tries do not repeat the same work. */
  fresh(core: HeaderCore): HeaderCore {
    return { ...core, nonce: BigInt(++this.#cores) << 32n };
  }

  /** A valid block, taken by every judge and by the copy. */
  async honest(body: Bodies = [], afterMs = 2000): Promise<Block> {
    const won = await this.forger.win(this.core(MINER, body, afterMs));
    const block = { ...won, body: asBody(body) };
    await this.tellHonest(block);
    return block;
  }

  async tellHonest(block: Block): Promise<void> {
    // The child of a block that is dated ahead is dated ahead too: an honest miner waits.
    const waitMs = msUntilTimely(this.chain.params, block.header, Date.now()) ?? 0;
    await this.untilClock(Date.now() + waitMs);
    await this.copy(block);
    const heard = await Promise.all(this.judges.map((judge) => judge.tell(HONEST, block)));
    const refused = this.judges.flatMap(({ name }, i) =>
      heard[i]!.points ? `${name}: ${describeHeard(heard[i]!)}` : [],
    );
    if (refused.length) throw new Error(`an honest block was refused: ${refused.join(', ')}`);
    await this.agree();
  }

  /** Waits until the clock says so: a timer alone may be a millisecond early by it. */
  async untilClock(timeMs: number): Promise<void> {
    for (let left: number; (left = timeMs - Date.now()) > 0;)
      await new Promise((r) => setTimeout(r, left));
  }

  /** Takes an honest block into the copy. */
  async copy(block: Block): Promise<void> {
    const imported = await this.chain.importBlock(block);
    if (isFault(imported)) throw new Error(`the copy refused an honest block: ${imported.fault}`);
    if (imported.status === 'early') throw new Error('the copy put an honest block aside');
  }

  /** Waits until every judge has the copy's head. @throws Error that names who has not */
  async agree(): Promise<void> {
    const wanted = toHex(this.chain.head().id);
    for (const end = Date.now() + AGREE_MS; ;) {
      const heads = await this.heads();
      const others = this.judges.filter((_, i) => heads[i] !== wanted);
      if (!others.length) return;
      if (Date.now() > end)
        throw new Error(
          [
            `${others.map((j) => j.name).join(', ')} did not come to the honest head`,
            ...others.flatMap((judge) => judge.words?.() ?? []),
          ].join('\n'),
        );
      // Whose line broke while this process was busy comes back, as an honest peer does.
      await Promise.all(others.map((judge) => judge.meet(HONEST)));
    }
  }

  heads(): Promise<string[]> {
    return Promise.all(this.judges.map((judge) => judge.head()));
  }

  /** A peer that nobody has met, which answers judges from `source`. */
  thief(source?: Source): string {
    const name = `thief ${++this.#thieves}`;
    if (source) this.#sources.set(name, source);
    return name;
  }

  /** A peer connects to every judge, and answers from `source` until nothing more is asked of it. */
  async meetLiar(source: Source): Promise<Met> {
    const calls = this.judges.map(() => 0);
    let lastMs = Date.now();
    const peers = this.judges.map((_, i) =>
      this.thief(async (request) => {
        calls[i]!++;
        lastMs = Date.now();
        return await source(request);
      }),
    );
    await Promise.all(this.judges.map((judge, i) => judge.meet(peers[i]!)));
    const end = Date.now() + AGREE_MS;
    const isBusy = (): boolean => calls.includes(0) || Date.now() < lastMs + QUIET_MS;
    while (isBusy() && Date.now() < end) await new Promise((r) => setTimeout(r, LOOK_MS));
    const points = await Promise.all(this.judges.map((judge, i) => judge.points(peers[i]!)));
    const heads = await this.heads();
    await Promise.all(this.judges.map((judge, i) => judge.leave(peers[i]!)));
    return { points, heads, calls };
  }

  /** Tells a block to every judge, whatever the copy thinks of it. */
  async tell(block: Block): Promise<{ said: string[]; heads: string[] }> {
    const peer = this.thief();
    const heard = await Promise.all(this.judges.map((judge) => judge.tell(peer, block)));
    await Promise.all(this.judges.map((judge) => judge.leave(peer)));
    return { said: heard.map(describeHeard), heads: await this.heads() };
  }

  /** Tells a block to every judge as a peer that is new to them. */
  async announceBlock(block: Block, knows: Knows = 'bytes'): Promise<Verdict> {
    const peer = this.thief();
    const heard = await Promise.all(this.judges.map((judge) => judge.tell(peer, block)));
    const heads = await this.heads();
    await Promise.all(this.judges.map((judge) => judge.leave(peer)));
    const id = toHex(blockId(block.header));
    const verdict = this.#compare(heard, knows, (i) => heads[i] === id);
    const before = toHex(this.chain.head().id);
    const strangers = this.judges.filter((_, i) => heads[i] !== id && heads[i] !== before);
    const lost = strangers.map(({ name }) => `${name} has neither head`);
    if (verdict.accepted) {
      const imported = await this.chain.importBlock(block);
      if (isFault(imported)) throw new Error(`the copy refused a block: ${imported.fault}`);
    } else if (heads.includes(id)) await this.#overtake();
    return { ...verdict, differences: [...verdict.differences, ...lost] };
  }

  /** Honest blocks until those who took a false one have left it. */
  async #overtake(): Promise<void> {
    for (let i = 0; i < 2; i++) {
      const block = { ...(await this.forger.win(this.core(MINER))), body: bodyOf() };
      await this.chain.importBlock(block);
      await Promise.all(this.judges.map((judge) => judge.tell(HONEST, block)));
    }
    await this.agree();
  }

  async announceTx(tx: SignedTx): Promise<Verdict> {
    const peer = this.thief();
    const heard = await Promise.all(this.judges.map((judge) => judge.tellTx(peer, tx)));
    await Promise.all(this.judges.map((judge) => judge.leave(peer)));
    return this.#compare(heard, 'bytes', (i) => heard[i]!.verdict === 'accept');
  }

  /** What each judge said, and what of it differs though it may not (attack-type.ts says what may). */
  #compare(heard: readonly Heard[], knows: Knows, isTaken: (judge: number) => boolean): Verdict {
    const said = this.judges.map((judge, i) => ({ judge, heard: heard[i]!, isTaken: isTaken(i) }));
    // A full node: it has state and model.
    const first = said[0]!;
    const differences = said
      .filter((one) => differs(first, one, knows))
      .map((one) => `${one.judge.name} ${describe(one)}; ${first.judge.name} ${describe(first)}`);
    const { verdict } = first.heard;
    const accepted = first.isTaken || said.some((one) => one.isTaken && !isBlind(one.judge, knows));
    return { accepted, fault: verdict === 'accept' ? undefined : verdict, differences };
  }

  /**
   * Lets an honest peer pass transactions on, all valid on its own chain. `accepted`: a judge charged it, and so would
   * cut itself off in the end.
   */
  async relay(txs: readonly SignedTx[]): Promise<Verdict> {
    const peer = this.thief();
    const each: Heard[][] = [];
    for (const tx of txs) each.push(await Promise.all(this.judges.map((j) => j.tellTx(peer, tx))));
    const points = await Promise.all(this.judges.map((judge) => judge.points(peer)));
    await Promise.all(this.judges.map((judge) => judge.leave(peer)));
    const verdicts = each.map((heard) => this.#compare(heard, 'bytes', () => false));
    const differences = verdicts.flatMap((v) => v.differences);
    return { accepted: points.some((n) => n >= BAN_AT), fault: verdicts[0]!.fault, differences };
  }

  /** Makes sure that the miner has coins to spend. */
  coins(): Promise<void> {
    return this.once('coins', async () => {
      await this.honest([this.pay(FAUCET, MINER.address, 1000n * NANOVOLTS)]);
    });
  }

  /** Balance in nV by the copy's state. */
  balanceOf(who: Person): bigint {
    return this.chain.account(who.address)?.balance ?? 0n;
  }

  nonceOf(who: Person): bigint {
    return this.chain.account(who.address)?.nonce ?? 0n;
  }

  /** Signed with the sender's next nonce and an expiry of its own. */
  sign(from: Person, fields: object, nonce = this.nonceOf(from), fee = 0n): SignedTx {
    const { height } = this.chain.head().header;
    const common = { chainId: this.chainId, from: from.xonly, nonce, expiry: height + 300, fee };
    return signTx(this.genesisId, { ...common, ...fields } as Tx, from.secret);
  }

  pay(from: Person, to: Uint8Array, amount: bigint, nonce?: bigint): SignedTx {
    return this.sign(from, { type: 'transfer', to, amount, memo: new Uint8Array() }, nonce, FEE);
  }

  async close(): Promise<void> {
    for (const judge of this.judges) await judge.stop();
    await this.chain.close();
  }
}

/** What came of a liar, by judge. */
export interface Met {
  readonly points: readonly number[];
  readonly heads: readonly string[];
  /** Questions that it was asked. */
  readonly calls: readonly number[];
}

interface Said {
  readonly judge: Judge;
  readonly heard: Heard;
  readonly isTaken: boolean;
}

const describe = ({ heard, isTaken }: Said): string =>
  `says ${describeHeard(heard)}${isTaken ? ', takes it' : ''}`;

const isBlind = ({ name }: Judge, knows: Knows): boolean =>
  knows === 'model' && name === 'lightPage';

/** Whether a judge said something else than the first, and may not. */
function differs(first: Said, one: Said, knows: Knows): boolean {
  const { judge, heard, isTaken } = one;
  const says = describeHeard(heard);
  if (isBlind(judge, knows)) return says !== 'accept' || !isTaken;
  if (knows !== 'state' || judge.name === 'seed' || first.isTaken)
    return says !== describeHeard(first.heard) || isTaken !== first.isTaken;
  const found = judge.lastFault?.();
  return says !== 'accept' || isTaken || (found !== undefined && found !== first.heard.verdict);
}

export const e2e = (): ChainNetwork => networkOf('e2e');
