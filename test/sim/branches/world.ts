/**
 * Miners and blocks that are nothing but height, date and work: how branches grow, race and end under the rules of
 * time and of the fork choice, in the product's own arithmetic. Bodies, proofs and messages are test/sim's; here a
 * day of mining takes a second, so that pauses, visitors, withheld blocks and liars about the time can be many.
 */
import { replaces, type HeadTip, type Rival } from '../../../src/core/header/fork-choice.ts';
import {
  effectiveTarget,
  HASH_SPACE,
  slipOf,
  targetOf,
  workOf,
} from '../../../src/core/header/target.ts';
import { futureMsMax, type Params } from '../../../src/core/params.ts';
import { Heap } from '../../../src/lib/heap.ts';
import { createRandom, type Random } from '../random.ts';

export interface Block {
  readonly height: number;
  readonly time: number;
  readonly slip: number;
  readonly work: bigint;
  readonly totalWork: bigint;
  readonly parent: Block | undefined;
  /** Number of its miner; -1: genesis. */
  readonly by: number;
}

/** When a fork wins. The first is the protocol's; the others show what it is for. */
export const RULES = {
  protocol: replaces,
  /** Any lead is enough. */
  'most work': (head: HeadTip, { tip }: Rival) => tip.totalWork > head.totalWork,
  /** Half of the head's own block, also of what extends it. */
  'half of the head': (head: HeadTip, { tip }: Rival) =>
    2n * (tip.totalWork - head.totalWork) > head.work,
} satisfies Record<string, (head: HeadTip, rival: Rival) => boolean>;

export interface MinerOptions {
  /** Units a second while the network's power is 1. */
  readonly units: number;
  /** How its blocks are dated: by the clock, as early or as late as is valid, in turns, or ms off. */
  readonly dates?: 'now' | 'early' | 'latest' | 'turns' | number;
  /** Keeps its blocks to itself while that may pay (Eyal and Sirer's selfish mining). */
  readonly withholds?: boolean;
}

/** A time in which the network's power is a multiple of the usual one. */
export interface Phase {
  readonly ms: number;
  /** 0: nobody mines. */
  readonly power: number;
  /** Miners up to this number and the others don't hear each other. */
  readonly splitAt?: number;
}

export interface BranchesOptions {
  readonly seed: number;
  readonly params: Params;
  readonly miners: readonly MinerOptions[];
  readonly phases: readonly Phase[];
  /** ms from one miner to another, ± 30 %. */
  readonly delayMs: number;
  /** Multiply-accumulates of a unit. */
  readonly unitMacs: bigint;
  readonly rule?: keyof typeof RULES;
  /** Whether lateness beyond the easiest target is owed; it is forgotten by the protocol. */
  readonly owesPauses?: boolean;
}

export interface Outcome {
  /** Whether all miners have one head, and how many blocks more that took after the last phase. */
  readonly agrees: boolean;
  readonly extraBlocks: number;
  readonly height: number;
  /** Height after each phase. */
  readonly heights: readonly number[];
  readonly made: number;
  readonly deepestReorganisation: number;
  /** ms, the longest between two blocks of the chain dated after the last phase's begin. */
  readonly longestGapMs: number;
  /** ms from the last phase's begin to the end of the first ten blocks that took under 2·T each; Infinity: never. */
  readonly backAfterMs: number;
  /** Part of the chain's blocks ÷ part of the power, of each miner. */
  readonly gains: readonly number[];
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

const isBefore = (a: Event, b: Event): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** Blocks at most after the last phase, for near equals to be told apart. */
const EXTRA_MAX = 3;

function commonOf(a: Block, b: Block): Block {
  while (a !== b)
    if (a.height >= b.height) a = a.parent!;
    else b = b.parent!;
  return a;
}

class Miner {
  readonly number: number;
  readonly options: MinerOptions;
  head: Block;
  /** What it mines on: its head, or its own last block that nobody knows. */
  base: Block;
  deepest = 0;
  turn = 0;
  readonly #world: BranchesWorld;
  readonly #known: Set<Block>;
  readonly #tips: Set<Block>;
  readonly #orphans = new Map<Block, Block[]>();
  /** Blocks told so far, of those that it made. */
  #told: Block;
  #flip = false;

  constructor(world: BranchesWorld, number: number, options: MinerOptions, genesis: Block) {
    this.#world = world;
    this.number = number;
    this.options = options;
    this.head = this.base = this.#told = genesis;
    this.#known = new Set([genesis]);
    this.#tips = new Set([genesis]);
  }

  /** Date of its next block, ms. */
  dateAt(nowMs: number): number {
    const { dates = 'now' } = this.options;
    const least = this.base.time + 1;
    const latest = nowMs + this.#world.futureMs - 1;
    if (dates === 'early') return least;
    if (dates === 'latest') return Math.max(least, latest);
    if (dates === 'turns') return this.#flip ? least : Math.max(least, latest);
    return Math.max(least, Math.round(nowMs + (dates === 'now' ? 0 : dates)));
  }

  hear(block: Block): void {
    if (this.#known.has(block)) return;
    const parent = block.parent!;
    if (!this.#known.has(parent)) {
      this.#orphans.set(parent, [...(this.#orphans.get(parent) ?? []), block]);
      return;
    }
    this.#take(block);
    const children = this.#orphans.get(block);
    this.#orphans.delete(block);
    for (const child of children ?? []) this.hear(child);
  }

  found(block: Block): void {
    this.#flip = !this.#flip;
    if (!this.options.withholds) {
      this.#take(block);
      return this.#tell(block);
    }
    this.base = block;
    this.#mayPublish();
    this.#world.plan(this);
  }

  #take(block: Block): void {
    this.#known.add(block);
    this.#tips.delete(block.parent!);
    this.#tips.add(block);
    const before = this.head;
    for (let next = this.#chosen(); next; next = this.#chosen()) this.#moveTo(next);
    if (this.head === before) return;
    if (this.options.withholds) this.#rivalCame();
    else this.base = this.head;
    this.#world.plan(this);
  }

  #chosen(): Block | undefined {
    const { head } = this;
    let best: Block | undefined;
    for (const tip of this.#tips) {
      if (tip === head || (best && tip.totalWork <= best.totalWork)) continue;
      // What a fork lacks of the head's work it lacks by every rule.
      const extend = tip.parent === head;
      if (!extend && tip.totalWork <= head.totalWork) continue;
      if (this.#replaces(tip)) best = tip;
    }
    if (this.#tips.size > 100) this.#forget();
    return best;
  }

  #replaces(tip: Block): boolean {
    const { head } = this;
    const depth = head.height - commonOf(tip, head).height;
    return this.#world.replaces({ ...head, newest: newestOf(head) }, { tip, depth });
  }

  #moveTo(next: Block): void {
    this.deepest = Math.max(this.deepest, this.head.height - commonOf(next, this.head).height);
    this.head = next;
  }

  /** Tips that have less than most of the head's work can't come back unheard. */
  #forget(): void {
    const { head } = this;
    for (const tip of this.#tips)
      if (tip !== head && tip.totalWork + 16n * head.work < head.totalWork) this.#tips.delete(tip);
  }

  #tell(block: Block): void {
    this.#told = block;
    this.#world.tell(this, block);
  }

  /** Somebody else's block became the head of all others. */
  #rivalCame(): void {
    const fork = commonOf(this.base, this.head);
    const [own, theirs] = [this.base.height - fork.height, this.head.height - fork.height];
    if (own < theirs) this.base = this.head;
    else this.#mayPublish();
  }

  /** Publishes where that replaces what the others follow, and little would be gained by waiting. */
  #mayPublish(): void {
    const fork = commonOf(this.base, this.head);
    const [own, theirs] = [this.base.height - fork.height, this.head.height - fork.height];
    if (theirs === 0 || own < theirs || own - theirs > 1 || !this.#replaces(this.base)) return;
    const blocks: Block[] = [];
    for (let at = this.base; at !== fork && at !== this.#told; at = at.parent!) blocks.push(at);
    for (const block of blocks.reverse()) {
      this.#known.add(block);
      this.#tips.delete(block.parent!);
      this.#tips.add(block);
      this.#tell(block);
    }
    this.#moveTo(this.base);
  }
}

/** The newest 128 blocks up to this one, or as many as there are. */
function newestOf(head: Block): HeadTip['newest'] {
  let at = head;
  for (let i = 0; i < 128 && at.parent; i++) at = at.parent;
  return { blocks: head.height - at.height, work: head.totalWork - at.totalWork };
}

export class BranchesWorld {
  readonly options: BranchesOptions;
  readonly futureMs: number;
  readonly replaces: (head: HeadTip, rival: Rival) => boolean;
  readonly #random: Random;
  readonly #miners: readonly Miner[];
  readonly #events = new Heap<Event>(isBefore);
  readonly #genesis: Block;
  #nowMs: number;
  #order = 0;
  #made = 0;
  #phase: Phase = { ms: 0, power: 0 };

  constructor(options: BranchesOptions) {
    this.options = options;
    const { params, seed, miners, rule = 'protocol' } = options;
    this.futureMs = futureMsMax(params);
    this.replaces = RULES[rule];
    this.#random = createRandom(seed, 'branches');
    this.#nowMs = params.genesis.timeMs;
    this.#genesis = {
      height: 0,
      time: this.#nowMs,
      slip: 0,
      work: 0n,
      totalWork: 0n,
      parent: undefined,
      by: -1,
    };
    this.#miners = miners.map((one, i) => new Miner(this, i, one, this.#genesis));
  }

  #at(atMs: number, run: () => void): void {
    this.#events.push({ atMs, order: ++this.#order, run });
  }

  /** Draws when the miner finds its next block; again when its base moves, and as the target eases. */
  plan(miner: Miner): void {
    const turn = ++miner.turn;
    const { power } = this.#phase;
    const units = miner.options.units * power;
    if (!units) return;
    const { unitMacs, params } = this.options;
    const target = effectiveTarget(this.#dated(miner).target, unitMacs);
    const scale = 1n << 60n;
    const winsPerUnit = Number((target * unitMacs * scale) / HASH_SPACE) / 2 ** 60;
    const afterMs = this.#random.wait(1000 / (units * winsPerUnit));
    const againMs = params.halfLifeMs / 64;
    this.#at(this.#nowMs + Math.min(afterMs, againMs), () => {
      if (turn !== miner.turn) return;
      if (afterMs > againMs) this.plan(miner);
      else this.#find(miner);
    });
  }

  #dated(miner: Miner): { time: number; slip: number; height: number; target: bigint } {
    const { params, owesPauses = false } = this.options;
    const time = Math.round(miner.dateAt(this.#nowMs));
    const height = miner.base.height + 1;
    const slip = owesPauses ? 0 : slipOf(params, miner.base, height, time);
    return { time, slip, height, target: targetOf(params, { height, time, slip }) };
  }

  #find(miner: Miner): void {
    const { time, slip, height, target } = this.#dated(miner);
    const work = workOf(target);
    const parent = miner.base;
    const by = miner.number;
    this.#made++;
    miner.found({ height, time, slip, work, totalWork: parent.totalWork + work, parent, by });
  }

  tell(miner: Miner, block: Block): void {
    const { splitAt } = this.#phase;
    const { delayMs } = this.options;
    const sideOf = (one: Miner) => splitAt !== undefined && one.number < splitAt;
    for (const other of this.#miners) {
      if (other === miner || sideOf(other) !== sideOf(miner)) continue;
      const arrivesMs = this.#nowMs + delayMs * this.#random.between(0.7, 1.3);
      // What is early waits.
      this.#at(Math.max(arrivesMs, block.time - this.futureMs), () => other.hear(block));
    }
  }

  #runUntil(untilMs: number): void {
    for (let next; (next = this.#events.peek()) && next.atMs <= untilMs;) {
      this.#events.pop();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  get #heads(): Set<Block> {
    return new Set(this.#miners.map(({ head }) => head));
  }

  run(): Outcome {
    const heights: number[] = [];
    let lastBeginMs = 0;
    for (const phase of this.options.phases) {
      this.#phase = phase;
      lastBeginMs = this.#nowMs;
      // After a split each hears what the others follow.
      if (phase.splitAt === undefined) this.#exchange();
      for (const miner of this.#miners) this.plan(miner);
      this.#runUntil(this.#nowMs + phase.ms);
      heights.push(Math.max(...this.#miners.map(({ head }) => head.height)));
    }
    const extraBlocks = this.#settle();
    return this.#outcome(heights, lastBeginMs, extraBlocks);
  }

  #exchange(): void {
    const branches = [...this.#heads].map((head) => {
      const blocks: Block[] = [];
      for (let at = head; at.parent; at = at.parent) blocks.push(at);
      return blocks.reverse();
    });
    for (const miner of this.#miners)
      for (const blocks of branches) for (const b of blocks) miner.hear(b);
  }

  /** Nobody mines any more; a few blocks decide between branches that are near each other. */
  #settle(): number {
    this.#phase = { ms: 0, power: 0 };
    for (const miner of this.#miners) this.plan(miner);
    const honest = this.#miners.filter(({ options }) => !options.withholds);
    for (let extra = 0; ; extra++) {
      this.#runUntil(this.#nowMs + 20 * this.options.delayMs + this.futureMs);
      if (this.#heads.size === 1 || extra === EXTRA_MAX) return extra;
      this.#find(this.#random.pick(honest));
    }
  }

  #outcome(heights: readonly number[], lastBeginMs: number, extraBlocks: number): Outcome {
    const heads = [...this.#heads];
    const best = heads.reduce((a, b) => (b.totalWork > a.totalWork ? b : a));
    const chain: Block[] = [];
    for (let at = best; at.parent; at = at.parent) chain.push(at);
    chain.reverse();
    const total = this.#miners.reduce((sum, { options }) => sum + options.units, 0);
    const gains = this.#miners.map(({ number, options }) => {
      const own = chain.filter(({ by }) => by === number).length;
      return own / chain.length / (options.units / total);
    });
    const late = chain.filter(({ time }) => time >= lastBeginMs);
    const gaps = late.map(({ time, parent }) => time - Math.max(parent!.time, lastBeginMs));
    const quick = 20 * this.options.params.blockTimeMs;
    const back = late.findIndex((block, i) => i >= 10 && block.time - late[i - 10]!.time < quick);
    return {
      agrees: heads.length === 1,
      extraBlocks,
      height: best.height,
      heights,
      made: this.#made,
      deepestReorganisation: Math.max(...this.#miners.map(({ deepest }) => deepest)),
      longestGapMs: Math.max(0, ...gaps),
      backAfterMs: back < 0 ? Infinity : late[back]!.time - lastBeginMs,
      gains,
    };
  }
}

export const simulateBranches = (options: BranchesOptions): Outcome =>
  new BranchesWorld(options).run();
