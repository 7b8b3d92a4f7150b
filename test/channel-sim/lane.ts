/** One channel of the simulation: its two ends, the stream between them, and what each has really got. */
import { GENESIS_ID } from '../core/fixtures.ts';
import { schnorr } from '@noble/curves/secp256k1.js';
import { answerHash, questionHash } from '../../src/core/channel.ts';
import type { AskerFrame, AskerFrameOf, ProviderFrame } from '../../src/core/ask-messages.ts';
import { costOf, stepCost, type Price } from '../../src/core/price.ts';
import { xof } from '../../src/core/hash.ts';
import { equal } from '../../src/lib/bytes.ts';
import {
  ASKER_POLICY,
  askerOf,
  nextAsker,
  type AskerEffect,
  type AskerEvent,
  type AskerState,
} from '../../src/client/channels/asker.ts';
import { AskerRecord, newAskerRecord, unitsOf } from '../../src/client/channels/asker-record.ts';
import {
  nextProvider,
  PROVIDER_POLICY,
  providerOf,
  type ProviderEffect,
  type ProviderEvent,
  type ProviderState,
} from '../../src/client/channels/provider.ts';
import { newProviderRecord, ProviderRecord } from '../../src/client/channels/provider-record.ts';
import { creditOf } from '../../src/client/channels/terms.ts';
import type { SignedOpening, TxOf } from '../../src/core/formats.ts';
import { SUBSIDY } from '../../src/core/params.ts';
import { signTx, txId } from '../../src/core/tx/tx.ts';
import { signAskerFrame, signProviderFrame } from '../client/channels/signing.ts';
import { createRandom, type Random } from '../sim/random.ts';
import { FEE, UNIT, type ChannelLedger } from './ledger.ts';
import { ASKER_LIES, PROVIDER_LIES, type AskerLiar, type ProviderLiar } from './liars.ts';
import { Process } from './process.ts';
import type { SimRules } from './rules.ts';

export interface LaneOptions {
  readonly index: number;
  readonly seed: number;
  readonly genesis: Uint8Array;
  readonly ledger: ChannelLedger;
  readonly heard: AskerFrame[];
  readonly liar: { readonly asker?: AskerLiar; readonly provider?: ProviderLiar };
  readonly rules: SimRules;
}
const UNIT_BYTES = 2;
export const PRICE: Price = { type: 'tokens', amount: 8000n * UNIT };
const MODEL = new Uint8Array(32).fill(3);
const QUESTIONS = 4;
const MOSTS = [5, 32, 40, 75, 150];
/** Tokens of a question that are paid for: a quarter of a unit each. */
const READ = 40;
const PRICED = { price: PRICE, read: READ };
const filled = (a: number, b: number): Uint8Array => new Uint8Array(32).fill(a, 1).fill(b, 0, 1);
export const askerOfLane = (index: number): Uint8Array => filled(4, index);
export const signerOf = (index: number): Uint8Array => filled(11, index);
const servingOf = (index: number): Uint8Array => filled(12, index);
/** Where a double-spender's coins go. */
const ELSEWHERE = new Uint8Array(32).fill(7);
/** The last that an opening can be in; no close outlives the simulation. */
const [OPENED_BY, CLOSED_BY] = [40, 1000];

function openingOfLane(index: number, random: Random): SignedOpening {
  const keyOf = schnorr.getPublicKey;
  const tx: TxOf<'channel'> = {
    type: 'channel',
    chainId: 3,
    from: keyOf(askerOfLane(index)),
    nonce: 0n,
    expiry: OPENED_BY,
    fee: FEE,
    signer: keyOf(signerOf(index)),
    provider: keyOf(servingOf(index)),
    payee: filled(5, index),
    limit: UNIT * BigInt(random.pick([200, 387, 1000, 6000, 6000, 6000])),
    lifetime: random.int(60, 100),
  };
  return { tx, signature: signTx(GENESIS_ID, tx, askerOfLane(index)).signature };
}
const price = stepCost(PRICED);

/** They close in the last blocks only, with the highest voucher that they ever got. */
const KEEPS_BACK: ReadonlySet<ProviderLiar> = new Set([
  'vanish',
  'close-late',
  'overcharge',
  'pad',
]);

/** Of one end: what it has delivered and was not paid, or has paid and did not get. */
export interface Loss {
  readonly nV: bigint;
  /** In steps that may be unpaid at that point. */
  readonly steps: number;
}
const lossOf = (nV: bigint, allowed: bigint): Loss => ({
  nV,
  steps: nV > 0n ? Number((nV + allowed - 1n) / allowed) : 0,
});

export class Lane {
  readonly channel: Uint8Array;
  readonly opening: SignedOpening;
  readonly asker;
  readonly provider;
  readonly options: LaneOptions;
  readonly random: Random;
  answered = 0;
  /** Times that the asker has found the provider out. */
  distrusted = 0;
  lies = 0;
  provenLies = 0;
  readonly #toProvider: AskerFrame[] = [];
  readonly #toAsker: ProviderFrame[] = [];
  #stream: number | undefined;
  #streams = 0;
  readonly #signer: Uint8Array;
  readonly #serving: Uint8Array;
  #run: Extract<ProviderEffect, { type: 'serve' }> | undefined;
  #asked = 0;
  /** Units that went out, and that came, by question: the truth, which neither end decides. */
  readonly #sent = new Map<number, number>();
  readonly #came = new Map<number, number>();
  /** All that the asker has sent: a liar need not take the last. */
  readonly #vouchers: Voucher[] = [];
  readonly #cunning;

  constructor(options: LaneOptions) {
    const { index, seed, genesis, ledger, rules, liar, heard } = options;
    this.options = options;
    this.random = createRandom(seed, `lane ${index}`);
    const { random } = this;
    const [signer, serving] = [signerOf(index), servingOf(index)];
    [this.#signer, this.#serving] = [signer, serving];
    const opening = (this.opening = openingOfLane(index, random));
    const { tx } = opening;
    const channel = (this.channel = txId(GENESIS_ID, tx));
    const death = random.pick([0, 0.005, 0.02]);
    const dies = () => random.chance(death);
    this.#cunning = {
      random,
      genesis,
      channel,
      secret: signer,
      heard,
      count: 0,
      patience: random.int(0, 16),
    };
    const view = () => ledger.view(opening);
    const askerEnd = { genesis, policy: liar.asker ? ASKER_POLICY : rules.asker };
    this.asker = new Process<AskerState, AskerEvent, AskerEffect, AskerRecord>({
      codec: AskerRecord,
      first: newAskerRecord(GENESIS_ID, opening),
      stateOf: askerOf,
      next: (state, event) => nextAsker(askerEnd, state, event, view()),
      stored: ({ n, current }) => {
        if (current) this.#came.set(n, unitsOf(current));
      },
      perform: (effect) => this.#ofAsker(effect),
      dies,
      isForgetful: !liar.asker && rules.isForgetful,
    });
    const providerEnd = {
      genesis,
      provider: tx.provider,
      payee: tx.payee,
      offerOf: () => ({ ...PRICED, unitBytes: UNIT_BYTES }),
      earlier: 0n,
      policy: liar.provider ? PROVIDER_POLICY : rules.provider,
    };
    this.provider = new Process<ProviderState, ProviderEvent, ProviderEffect, ProviderRecord>({
      codec: ProviderRecord,
      first: newProviderRecord(GENESIS_ID, opening),
      stateOf: providerOf,
      next: (state, event) => nextProvider(providerEnd, state, event, view()),
      stored: () => {},
      perform: (effect) => this.#ofProvider(effect),
      dies,
      isForgetful: !liar.provider && rules.isForgetful,
    });
    ledger.submit(opening);
  }

  #ofAsker(effect: AskerEffect): void {
    if (effect.type === 'drop' && effect.stream === this.#stream) this.cut();
    if (effect.type === 'tell') this.#tell(effect);
    if (effect.type !== 'send' || effect.stream !== this.#stream) return;
    const keys = { genesis: this.options.genesis, secret: this.#signer };
    const frame = signAskerFrame(effect.says, this, keys);
    if (frame.type === 'voucher') this.#vouchers.push(frame);
    this.options.heard.push(frame);
    if (this.options.heard.length > 64) this.options.heard.shift();
    const { asker } = this.options.liar;
    this.#cunning.count++;
    const frames = asker ? ASKER_LIES[asker](frame, this.#cunning) : [frame];
    this.#toProvider.push(...frames.slice(0, 8));
  }

  #tell(told: Extract<AskerEffect, { type: 'tell' }>): void {
    if (told.what === 'distrusted') this.distrusted++;
    const current = this.asker.state?.record.current;
    if (told.what !== 'answered' || !current) return;
    this.answered++;
    const { salt, options, input } = current.question;
    const right = this.#answer(
      questionHash(salt, options, input),
      0,
      told.answer.length / UNIT_BYTES,
    );
    if (equal(right, told.answer)) return;
    // Whoever runs the model sees it, from the receipt alone.
    this.lies++;
    if (!equal(told.receipt.answer, answerHash(salt, right))) this.provenLies++;
  }

  #ofProvider(effect: ProviderEffect): void {
    switch (effect.type) {
      case 'send': {
        if (effect.stream !== this.#stream) return;
        const { provider } = this.options.liar;
        this.#cunning.count++;
        const lie = provider ? PROVIDER_LIES[provider] : undefined;
        const keys = { genesis: this.options.genesis, secret: this.#serving };
        const frame = signProviderFrame(effect.says, keys);
        this.#toAsker.push(...(lie ? lie(frame, this.#cunning) : [frame]));
        if (frame.type === 'part')
          this.#sent.set(frame.n, Math.max(this.#sent.get(frame.n) ?? 0, frame.units));
        return;
      }
      case 'drop':
        if (effect.stream === this.#stream) this.cut();
        return;
      case 'serve':
        this.#run = effect;
        return;
      case 'abort':
        this.#run = undefined;
        return;
      case 'close':
        return this.#close(effect.amount, effect.voucher);
      case 'store':
      case 'forget':
    }
  }

  #close(amount: bigint, voucher: Uint8Array): void {
    const { liar } = this.options;
    if (liar.provider && KEEPS_BACK.has(liar.provider)) return;
    this.#submitClose(amount, voucher);
  }

  #submitClose(amount: bigint, voucher: Uint8Array): void {
    const { chainId, provider } = this.opening.tx;
    const common = { chainId, from: provider, nonce: 0n, expiry: CLOSED_BY, fee: FEE };
    const tx: TxOf<'close'> = { type: 'close', ...common, channel: this.channel, amount, voucher };
    this.options.ledger.submit(signTx(GENESIS_ID, tx, this.#serving));
  }

  #answer(question: Uint8Array, from: number, to: number): Uint8Array {
    return xof('answer', to * UNIT_BYTES, question).slice(from * UNIT_BYTES);
  }

  /** One thing happens, of those that can. */
  step(): void {
    this.#die();
    const { random } = this;
    const stream = this.#stream;
    switch (random.int(0, 5)) {
      case 0:
        return this.#stream === undefined ? this.#connect() : this.#maybeCut();
      case 1:
        return this.#ask();
      case 2:
        return this.#produce();
      case 3:
        return this.#cheatTheChain();
      default: {
        if (stream === undefined) return;
        const toProvider = this.#toProvider.shift();
        if (toProvider) this.provider.enter({ type: 'frame', stream, frame: toProvider });
        const toAsker = this.#toAsker.shift();
        if (toAsker && this.#stream === stream)
          this.asker.enter({ type: 'frame', stream, frame: toAsker });
      }
    }
  }

  /** The head changed. */
  onBlock(): void {
    this.#die();
    for (const end of [this.asker, this.provider]) {
      if (end.state === undefined && this.random.chance(0.5)) end.start();
      end.enter({ type: 'chain' });
    }
  }

  /** What becomes of the stream when an end has died. */
  #die(): void {
    if (this.provider.state === undefined) this.#run = undefined;
    if (this.provider.state === undefined || this.asker.state === undefined) this.cut();
  }

  cut(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#stream = undefined;
    this.#toProvider.length = this.#toAsker.length = 0;
    this.asker.enter({ type: 'gone', stream });
    this.provider.enter({ type: 'gone', stream });
  }

  #maybeCut(): void {
    const often = this.options.liar.asker === 'replace';
    if (this.random.chance(often ? 0.3 : 0.02)) this.cut();
  }

  #connect(): void {
    if (!this.asker.state || !this.provider.state || this.asker.isDone || this.provider.isDone)
      return;
    const stream = (this.#stream = ++this.#streams);
    const peers = { asker: `asker ${this.options.index}`, provider: 'provider' };
    this.asker.enter({ type: 'connected', stream, peers });
    const open = this.#toProvider.findIndex(({ type }) => type === 'open');
    const [first] = open < 0 ? [] : this.#toProvider.splice(open, 1);
    if (first?.type !== 'open') return this.cut();
    this.provider.enter({ type: 'opened', stream, peers, signature: first.signature });
  }

  #ask(): void {
    if (this.#asked >= QUESTIONS || !this.asker.state || this.#stream === undefined) {
      if (this.#asked >= QUESTIONS && this.random.chance(0.1)) this.asker.enter({ type: 'close' });
      return;
    }
    if (this.random.chance(0.05)) return void this.asker.enter({ type: 'stop' });
    const { current } = this.asker.state.record;
    if (current && !current.receipt) return;
    const asked = {
      model: MODEL,
      ...PRICED,
      most: this.random.pick(MOSTS),
      salt: filled(6, this.random.int(0, 3)),
      options: new Uint8Array(),
      input: Uint8Array.of(this.#asked),
      unitBytes: UNIT_BYTES,
    };
    if (this.asker.enter({ type: 'ask', asked }) && isWaiting(this.asker.state)) this.#asked++;
  }

  #produce(): void {
    const run = this.#run;
    if (!run) return;
    const { salt, options, input, most } = run.question;
    const question = questionHash(salt, options, input);
    const own = most - (question[0]! % 3 ? 0 : Math.floor(most / 3));
    const to = Math.min(run.upTo, own);
    const bytes = this.#answer(question, run.from, to);
    if (this.options.liar.provider === 'garbage') bytes[0]! ^= 1;
    this.#run = undefined;
    const units = to - run.from;
    this.provider.enter({ type: 'produced', run: run.run, bytes, units, last: to === own });
  }

  #cheatTheChain(): void {
    const { ledger, liar } = this.options;
    const view = ledger.view(this.opening);
    if (liar.asker === 'double-spend') this.#spendTwice(view.depth);
    const some = this.#vouchers.length ? this.random.pick(this.#vouchers) : undefined;
    if (!some || !liar.provider) return;
    const close = ({ amount, signature }: Voucher, more = 0n) =>
      this.#submitClose(amount + more, signature);
    const isLast = view.height > view.expiry - 5;
    if (liar.provider === 'close-early' && this.random.chance(0.05)) close(some);
    if (liar.provider === 'close-old') close(some);
    if (liar.provider === 'close-twice') [0n, 0n, 1n, 1000n].forEach((more) => close(some, more));
    if (isLast && KEEPS_BACK.has(liar.provider)) close(this.#vouchers.reduce(higher));
  }

  /** A branch that is rebuilt costs the subsidy of its blocks: it is, where what was taken is worth more. */
  #spendTwice(depth: number | undefined): void {
    const { ledger } = this.options;
    const { tx } = this.opening;
    const won = this.#valueOf(this.#came) - BigInt(depth ?? 0) * SUBSIDY;
    // It may wait for more, which a provider that looks at the depth does not give.
    if (depth === undefined || won <= 0n || (won <= price && this.random.chance(0.95))) return;
    const { chainId, from, nonce, expiry, fee, limit: amount } = tx;
    const common = { chainId, from, nonce, expiry, fee, amount };
    const elsewhere = {
      type: 'transfer',
      ...common,
      to: ELSEWHERE,
      memo: new Uint8Array(),
    } as const;
    ledger.reorganise(depth, signTx(GENESIS_ID, elsewhere, askerOfLane(this.options.index)));
  }

  #valueOf(units: ReadonlyMap<number, number>): bigint {
    return [...units.values()].reduce((sum, count) => sum + costOf(PRICED, count), 0n);
  }

  /** Of an honest asker: what the close took beyond what came. */
  get askerLoss(): Loss {
    return lossOf(this.options.ledger.closedFor(this.channel) - this.#valueOf(this.#came), price);
  }

  /** Of an honest provider: what went out beyond what it was paid, or left since the close would have cost more. */
  get providerLoss(): Loss {
    const closed = this.options.ledger.closedFor(this.channel);
    const { amount } = this.provider.record;
    const got = amount <= FEE && closed === 0n ? amount : closed;
    return lossOf(this.#valueOf(this.#sent) - got, creditOf(price, got));
  }

  get deaths(): number {
    return this.asker.deaths + this.provider.deaths;
  }
}

type Voucher = AskerFrameOf<'voucher'>;
const higher = (a: Voucher, b: Voucher): Voucher => (a.amount > b.amount ? a : b);

const isWaiting = (state: AskerState | undefined): boolean =>
  state?.record.current?.receipt === null;
