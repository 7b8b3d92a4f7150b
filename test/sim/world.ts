/**
 * The run of one seed: peers, a network that misbehaves, people who pay each other, and liars; and the
 * invariants, which must hold all the time, whatever the random numbers are.
 */
import { createHash } from 'node:crypto';
import type { Balance } from '../../src/client/api.ts';
import type { ChainNetwork } from '../../src/client/models/networks.ts';
import { without } from '../attack/without.ts';
import { FAULTS, type FaultCode } from '../../src/core/faults.ts';
import { blockId, genesisPoint } from '../../src/core/header/header.ts';
import { workOf } from '../../src/core/header/target.ts';
import type { Block } from '../../src/core/messages.ts';
import { chainParams, networkRules } from '../../src/core/chain-params.ts';
import { ACCOUNT_MIN, FAUCET_SECRET, futureMsMax, NANOVOLTS } from '../../src/core/params.ts';
import { schnorr } from '@noble/curves/secp256k1.js';
import { addressOf } from '../../src/core/address.ts';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { MANIFEST, MODEL, MODELS, person, START_MS, type Person } from '../chain/make-blocks.ts';
import { Clock } from './clock.ts';
import { Judge, type Judged } from './judge.ts';
import { Liar, VICES, type Vice } from './liars.ts';
import { Network } from './network.ts';
import { FullPeer, LightPeer, type Peer, type PeerOptions, type Surroundings } from './peers.ts';
import { createRandom, type Random } from './random.ts';
import { Disk } from './store.ts';
import { verifyWork } from './work.ts';

export type Invariant =
  | 'valid' // no peer has a head, or proves a balance at one, that breaks a rule
  | 'coins' // issued = held by accounts, coinbases and channels
  | 'paid' // each has what the bodies say
  | 'proven' // a proven balance is the true one
  | 'bans' // no honest peer bans an honest one
  | 'payments' // what was confirmed is in the chain; what was sent is not forgotten
  | 'one-chain' // after healing and quiet all honest peers have one head
  | 'alive'; // no unhandled error, no stuck peer

/** Ways to break the product, to show that an invariant sees it. */
export const MUTATIONS = {
  /** Clients follow headers whatever state they claim. */
  'no-state-rule': { off: ['header.state-root', 'tx.nonce', 'tx.balance'] },
  'no-work-rule': { off: ['proof.target'] },
  /** Nobody checks whether a sender has the coins. */
  'free-coins': { off: ['tx.balance', 'tx.nonce'], judgeToo: true },
  /** A late transaction costs as much as a forged one. */
  harsh: { severity: 20 },
  'lost-outbox': { forgetful: true },
  'no-redial': { redials: false },
} satisfies Record<string, Mutation>;
export type MutationName = keyof typeof MUTATIONS;

interface Mutation {
  readonly off?: readonly FaultCode[];
  readonly judgeToo?: boolean;
  readonly severity?: number;
  readonly forgetful?: boolean;
  readonly redials?: boolean;
}

export interface WorldOptions {
  readonly seed: number;
  readonly clients: number;
  /** Seconds during which the network is disturbed. */
  readonly seconds: number;
  readonly mutation?: MutationName | undefined;
  readonly verbose?: boolean;
}

export interface Outcome {
  readonly seed: number;
  readonly kind: Kind;
  readonly failure:
    { invariant: Invariant; detail: string; step: number; atMs: number } | undefined;
  readonly trace: readonly string[];
  readonly traceHash: string;
  readonly stats: Readonly<Record<string, number>>;
}

/**
 * What a seed's network is like; a third of the seeds each. Where blocks come fast, and then the hours, a short
 * half-life and fewer clients, at `most` so many, make a run affordable.
 */
const KINDS = {
  usual: { power: 1.3, halfLife: 60, ease: 6, most: Infinity },
  /** It begins at the easiest target with a hundred times the power that this is for. */
  rush: { power: 100, halfLife: 6, ease: 0, most: 15 },
  /** All miners stop together for longer than the easiest target waits. */
  nights: { power: 1.3, halfLife: 6, ease: 6, most: 15 },
} as const;
type Kind = keyof typeof KINDS;

interface OpenedChannel {
  readonly id: Uint8Array;
  readonly limit: bigint;
  readonly seed: FullPeer;
}

const BLOCK_MS = 10_000;
const FUTURE_MS = futureMsMax({ blockTimeMs: BLOCK_MS });
/** ms by which the clocks of honest peers are off at most: two of them agree on what lies in the future. */
const SKEW_MS = FUTURE_MS / 2;
const SEEDS = 3;
const LIARS = 0.3;
/** Lines of the trace that are kept for showing. */
const TRACE_KEPT = 400;
/** ms: both clocks' skews, and some polls. */
const QUIET_MS = 160_000;

const treasurer = (): Person => {
  const secret = fromHex(FAUCET_SECRET, 32)!;
  const xonly = schnorr.getPublicKey(secret);
  return { secret, xonly, address: addressOf(xonly) };
};

export class World {
  readonly clock: Clock;
  readonly options: WorldOptions;
  readonly random: Random;
  readonly net: Network;
  readonly judge: Judge;
  readonly lights: LightPeer[] = [];
  readonly seeds: FullPeer[] = [];
  readonly liars: Liar[] = [];
  readonly #trace: string[] = [];
  readonly #hash = createHash('sha256');
  readonly #stats: Record<string, number> = {};
  readonly #mutation: Mutation;
  readonly #kind: Kind;
  /** The head that each honest peer reported last. */
  readonly #heads = new Map<string, string>();
  readonly #checked = new Set<string>();
  readonly #channels: OpenedChannel[] = [];
  #isNight = false;
  #failure: Outcome['failure'];

  constructor(clock: Clock, options: WorldOptions) {
    this.clock = clock;
    this.options = options;
    this.#mutation = options.mutation ? MUTATIONS[options.mutation] : {};
    const { seed } = options;
    this.random = createRandom(seed, 'script');
    this.#kind = this.random.pick(Object.keys(KINDS) as Kind[]);
    const { power, halfLife, ease } = KINDS[this.#kind];
    const halfLifeMs = halfLife * BLOCK_MS;
    const timing = { blockTimeMs: BLOCK_MS, halfLifeMs, lagMs: ease * halfLifeMs };
    const off = this.#mutation.off ?? [];
    const network = networkRules('e2e', [{ id: toHex(MODEL), from: 0 }]);
    const targetStart = network.targetMax >> BigInt(ease);
    const allRules = chainParams({ ...network, ...timing, targetStart }, START_MS);
    const params = without(allRules, off);
    const judgeParams = this.#mutation.judgeToo ? params : allRules;
    const genesis = genesisPoint(params, START_MS);
    this.judge = new Judge(judgeParams, genesis);
    const chain: ChainNetwork = {
      params,
      models: MODELS,
      names: [MANIFEST.name],
      verifyProof: verifyWork,
    };
    this.net = new Network(clock, createRandom(seed, 'network'), {
      isHonest: (id) => !id.startsWith('liar'),
      onBlock: (finder, block) => this.#found(finder, block),
      onCharge: (by, peer, f, banned) => this.#charged(by, peer, f.fault, banned),
    });
    this.net.severity = this.#mutation.severity ?? 1;
    const around: Surroundings = {
      clock,
      net: this.net,
      chain,
      genesis,
      onHead: (peer, idHex, executed) => this.#headed(peer, idHex, executed),
      onBalance: (peer, balance) => this.#balanced(peer, balance),
      onProblem: (peer, code, message) => {
        this.count(`problem ${code}`);
        this.note(`${peer.id} problem ${code} ${message}`);
      },
    };
    this.#populate(around, Number(workOf(targetStart)) * power);
    this.count(this.#kind);
  }

  get honest(): readonly Peer[] {
    return [...this.lights, ...this.seeds];
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** `work`: tries that the network makes per block time. */
  #populate(around: Surroundings, work: number): void {
    const { seed } = this.options;
    const clients = Math.min(this.options.clients, KINDS[this.#kind].most);
    const liars = Math.round(clients * LIARS);
    // Every second client mines: many people's machines do not.
    const power = work / BLOCK_MS / clients;
    const options = (id: string, key: Person, share: number): PeerOptions => ({
      id,
      key,
      power: power * share,
      random: createRandom(seed, id),
      skewMs: Math.round(this.random.between(-SKEW_MS, SKEW_MS)),
      newDisk: () => new Disk(this.#mutation.forgetful),
    });
    for (let i = 0; i < clients; i++) {
      const key = i === SEEDS ? treasurer() : person(i + 1);
      if (i < SEEDS) this.seeds.push(new FullPeer(around, options(`seed${i}`, key, 1)));
      else if (i < clients - liars)
        this.lights.push(new LightPeer(around, options(`light${i}`, key, (i % 2) * 2)));
      else this.liars.push(new Liar(around, options(`liar${i}`, key, 1), this.#drawVices()));
    }
    const all = [...this.honest, ...this.liars];
    const seedIds = this.seeds.map(({ id }) => id);
    for (const { id } of all) {
      this.net.link(id, this.random.pick(seedIds));
      for (const other of this.random.shuffle(all).slice(0, 2)) this.net.link(id, other.id);
    }
    for (const id of seedIds) for (const other of seedIds) this.net.link(id, other);
  }

  #drawVices(): Set<Vice> {
    const { random } = this;
    return new Set(random.shuffle(VICES).slice(0, random.int(1, 3)));
  }

  count(what: string, by = 1): void {
    this.#stats[what] = (this.#stats[what] ?? 0) + by;
  }

  note(what: string): void {
    const line = `${((this.clock.nowMs - START_MS) / 1000).toFixed(3)} ${what}`;
    this.#hash.update(line);
    this.#trace.push(line);
    if (this.options.verbose) console.log(line);
    if (this.#trace.length > 2 * TRACE_KEPT) this.#trace.splice(0, TRACE_KEPT);
  }

  fail(invariant: Invariant, detail: string): void {
    this.#failure ??= {
      invariant,
      detail,
      step: this.clock.steps,
      atMs: this.clock.nowMs - START_MS,
    };
    this.note(`FAILED ${invariant}: ${detail}`);
  }

  #found(finder: string, block: Block): void {
    const fresh = this.judge.record(block);
    const id = toHex(blockId(block.header));
    const verdict = this.judge.verdict(id);
    if (!fresh) return;
    this.note(`${finder} finds ${id.slice(0, 12)} ${verdict ?? ''}`);
    if (verdict && this.net.hooks.isHonest(finder))
      this.fail('valid', `${finder} made a block that breaks ${verdict}`);
  }

  #charged(by: string, peer: string, code: FaultCode, banned: boolean): void {
    const { isHonest } = this.net.hooks;
    if (!isHonest(by)) return;
    this.count(`${isHonest(peer) ? 'honest' : 'liar'} ${code}`);
    if (isHonest(peer) && FAULTS[code].penalty) this.note(`${by} charges ${peer} for ${code}`);
    if (banned) this.note(`${by} bans ${peer} for ${code}`);
    if (banned && isHonest(peer)) this.fail('bans', `${by} bans ${peer} for ${code}`);
    if (banned) this.count(isHonest(peer) ? 'honest banned' : 'liars banned');
  }

  #headed(peer: Peer, idHex: string, executed: boolean): void {
    if (!this.net.hooks.isHonest(peer.id) || this.#heads.get(peer.id) === idHex) return;
    this.#heads.set(peer.id, idHex);
    const verdict = this.judge.verdict(idHex);
    this.note(`${peer.id} head ${idHex.slice(0, 12)} ${verdict ?? ''}`);
    if (!verdict) return this.#checkGood(peer, this.judge.valid(idHex)!);
    // A light client may accept a head for its work and check it then. It must refuse a head that it has
    // checked, and must neither build on nor believe a head that it cannot check.
    const mayDoubt = verdict.startsWith('tx.');
    this.count('heads not yet executed');
    if (executed || !mayDoubt)
      this.fail('valid', `${peer.id} follows ${idHex.slice(0, 12)}: ${verdict}`);
  }

  #checkGood(peer: Peer, head: Judged): void {
    const { header, id } = head.point;
    const ahead = header.time - (this.clock.nowMs + peer.skewMs);
    if (ahead > FUTURE_MS) this.fail('valid', `${peer.id} follows a block ${ahead} ms ahead`);
    if (this.#checked.has(toHex(id))) return;
    this.#checked.add(toHex(id));
    const missing = this.judge.missing(head);
    if (missing) this.fail('coins', `${missing} nV are missing at height ${header.height}`);
    for (const what of this.judge.wrong(head))
      this.fail('paid', `height ${header.height}: ${what}`);
  }

  #balanced(peer: Peer, balance: Balance): void {
    const at = this.judge.valid(toHex(balance.provenAt.id));
    if (!at) return this.fail('valid', `${peer.id} proves a balance at an invalid block`);
    this.count('balances');
    const account = this.judge.account(at, balance.address);
    const immature = this.judge.immature(at, balance.address);
    const right =
      balance.spendable === (account?.balance ?? 0n) &&
      balance.nonce === (account?.nonce ?? 0n) &&
      balance.immature === immature;
    if (!right) this.fail('proven', `${peer.id} believes in ${balance.spendable} nV`);
  }

  async run(): Promise<Outcome> {
    const { seconds, seed } = this.options;
    await this.#go(this.#script(seconds * 1000));
    const { good, bad } = this.judge.blocks;
    Object.assign(this.#stats, { steps: this.clock.steps, messages: this.net.messages, good, bad });
    const traceHash = this.#hash.digest('hex').slice(0, 16);
    const failure = this.#failure;
    return { seed, kind: this.#kind, failure, trace: this.#trace, traceHash, stats: this.#stats };
  }

  /** Runs the clock until the script has ended or an invariant does not hold. */
  async #go(script: Promise<void>): Promise<void> {
    let ended = false;
    script
      .catch((e: unknown) => this.fail('alive', `the script: ${(e as Error).stack}`))
      .finally(() => (ended = true));
    while (!ended && !this.failed)
      await this.clock.runUntil(this.clock.nowMs + 1000, () => this.failed);
  }

  async #script(troubleMs: number): Promise<void> {
    const { clock, net } = this;
    for (const peer of [...this.honest, ...this.liars]) await peer.start();
    // Whatever waits is executed again by all for each template: little happens at night.
    const often = (ms: number, act: () => void) =>
      clock.every(ms, () => (this.#isNight && this.random.chance(0.9) ? undefined : act()));
    const happenings = [
      often(6_000, () => void this.#pay().catch(() => this.count('unpaid'))),
      often(5_000, () => void this.#cashIn().catch(() => undefined)),
      often(3_000, () => this.liars.forEach((liar) => void liar.act())),
    ];
    // People get their first coins before the trouble begins.
    await this.#gifts();
    const endMs = clock.nowMs + troubleMs;
    while (clock.nowMs < endMs) {
      await clock.sleep(this.random.between(5_000, 40_000));
      await this.#trouble();
    }
    if (this.#kind === 'nights') await this.#night();
    this.note('calm');
    net.heal();
    net.weather.loss = 0;
    net.weather.jitterMs = 50;
    if (this.#mutation.redials === false) net.redials = false;
    for (const peer of this.honest) if (!peer.running) await peer.start();
    for (const happening of happenings) happening.stop();
    await this.#settle();
    await this.#checkEnd();
  }

  /** Nobody mines, for longer than the target eases; then all go on. */
  async #night(): Promise<void> {
    const { halfLife, ease } = KINDS[this.#kind];
    const miners = [...this.honest, ...this.liars];
    this.note('night');
    this.#isNight = true;
    for (const peer of miners) await peer.setMining(false);
    await this.clock.sleep(1.3 * ease * halfLife * BLOCK_MS);
    this.note('morning');
    this.#isNight = false;
    for (const peer of miners) await peer.setMining(true);
    await this.clock.sleep(60_000);
  }

  /** Honest miners go on for a while, then stop; a few more blocks decide between equal branches. */
  async #settle(): Promise<void> {
    for (const liar of this.liars) await liar.setMining(false);
    await this.clock.sleep(60_000);
    for (const peer of this.honest) await peer.setMining(false);
    // Wait until blocks dated by the fastest clock are no longer in the future of the slowest one, so that the last
    // blocks are mined on the best branch, not beside it.
    await this.clock.sleep(2 * FUTURE_MS);
    const slowest = this.seeds.reduce((a, b) => (a.skewMs < b.skewMs ? a : b));
    for (let i = 0; i < 3; i++) {
      await this.clock.sleep(30_000);
      await slowest.mineNow();
    }
    await this.clock.sleep(QUIET_MS);
  }

  async #gifts(): Promise<void> {
    const [giver] = this.lights as [LightPeer];
    await this.clock.sleep(15_000);
    for (const { key } of [...this.lights.slice(1), ...this.liars]) {
      await giver.pay(key.address, 100n * NANOVOLTS).catch(() => this.count('gifts refused'));
    }
    await this.clock.sleep(30_000);
  }

  async #pay(): Promise<void> {
    const { random } = this;
    const from = random.pick(this.lights);
    const to = random.pick(this.lights).key.address;
    const amount = BigInt(random.int(1, 2_000_000_000));
    if (random.chance(0.2)) {
      const seed = random.pick(this.seeds);
      const limit = 20n * amount + ACCOUNT_MIN;
      const id = await from.prepay(seed.key, limit);
      if (!id) return;
      this.#channels.push({ id, limit, seed });
      return this.count('channels');
    }
    await from.pay(to, amount);
    this.count('payments');
  }

  /** Of a channel that may be closed already, or stand in no block yet, or in no more. */
  async #cashIn(): Promise<void> {
    const { random } = this;
    if (!this.#channels.length) return;
    const { id, limit, seed } = random.pick(this.#channels);
    const amount = (limit * BigInt(random.int(1, 100))) / 100n;
    if (await seed.cashIn(id, amount)) this.count('closes sent');
  }

  async #trouble(): Promise<void> {
    const { random, net } = this;
    const kind = random.pick([
      'split',
      'heal',
      'heal',
      'crash',
      'crash',
      'start',
      'start',
      'weather',
    ]);
    switch (kind) {
      case 'split': {
        const sides = random.int(2, 3);
        const all = [...this.honest, ...this.liars];
        net.split(new Map(all.map(({ id }) => [id, random.int(0, sides - 1)])));
        return this.note(`split ${sides}`);
      }
      case 'heal':
        net.heal();
        return this.note('heal');
      case 'weather':
        net.weather.loss = random.pick([0, 0, 0.02, 0.1, 0.2]);
        net.weather.jitterMs = random.pick([10, 50, 300, 1500]);
        return this.note(`weather ${net.weather.loss} ${net.weather.jitterMs}`);
      case 'crash': {
        const peer = random.pick(this.honest);
        if (!peer.running) return;
        this.note(`${peer.id} crashes`);
        return peer.crash();
      }
      case 'start':
        for (const peer of this.honest)
          if (!peer.running) {
            await peer.start();
            this.note(`${peer.id} starts`);
          }
    }
  }

  async #checkEnd(): Promise<void> {
    const heads = new Map<string, string[]>();
    for (const peer of this.honest) {
      const hex = await peer.headHex();
      heads.set(hex, [...(heads.get(hex) ?? []), peer.id]);
    }
    if (heads.size > 1)
      this.fail(
        'one-chain',
        [...heads].map(([id, who]) => `${id.slice(0, 12)}: ${who.join(' ')}`).join('; '),
      );
    const [hex] = heads.keys();
    const head = this.judge.valid(hex!);
    if (!head) return this.fail('valid', `the last head is ${this.judge.verdict(hex!)}`);
    this.count('height', head.point.header.height);
    this.count('channels closed', head.ledger.closed);
    const confirmed = this.judge.confirmed(head);
    for (const peer of this.lights) await this.#checkPayments(peer, confirmed);
  }

  async #checkPayments(peer: LightPeer, confirmed: ReadonlySet<string>): Promise<void> {
    const pending = await peer.api!.pending();
    const states = new Map(pending.map(({ id, state }) => [toHex(id), state]));
    for (const id of peer.sent.keys()) {
      const state = states.get(id);
      const where = `${peer.id} sent ${id.slice(0, 12)}, which is ${state ?? 'forgotten'}`;
      this.count(`sent ${state ?? 'forgotten'}${confirmed.has(id) ? ' in chain' : ''}`);
      // No transaction is old enough to be forgotten.
      if (!state) this.fail('payments', where);
      if (state === 'confirmed' && !confirmed.has(id))
        this.fail('payments', `${where}, but not in the chain`);
      if (state && state !== 'confirmed' && confirmed.has(id))
        this.fail('payments', `${where}, but in the chain`);
    }
  }
}
