/** Either end dies at each place where it can, and comes back or does not: who is left has lost one step at most. */
import { describe, expect, it } from 'vitest';
import type { AskerFrame, ProviderFrame } from '../../src/core/ask-messages.ts';
import { costOf, stepCost } from '../../src/core/price.ts';
import {
  askerOf,
  nextAsker,
  type AskerEffect,
  type AskerEvent,
  type AskerState,
} from '../../src/client/channels/asker.ts';
import { AskerRecord, newAskerRecord, receivedOf } from '../../src/client/channels/asker-record.ts';
import {
  nextProvider,
  providerOf,
  type ProviderEffect,
  type ProviderEvent,
  type ProviderState,
} from '../../src/client/channels/provider.ts';
import { newProviderRecord, ProviderRecord } from '../../src/client/channels/provider-record.ts';
import {
  answerTo,
  asked,
  ASKER_END,
  GENESIS,
  OPENING,
  PEERS,
  PROVIDER_END,
  SERVING,
  SIGNER,
  TOKENS,
  VIEW,
  type Serve,
} from '../client/channels/pair.ts';
import { signAskerFrame, signProviderFrame } from '../client/channels/signing.ts';
import { Process } from './process.ts';

const QUESTIONS = [75, 32, 5];
/** Tokens of each question, beside the first. */
const READ = 31;
const STEP = stepCost({ price: TOKENS, read: READ });
/** Units that a model gives at once: they come in parts of a step. */
const PIECE = 20;

interface Death {
  /** Effects of both ends until then. */
  readonly after: number;
  readonly isForGood: boolean;
  /** Nothing is written: the rule that a test leaves out. */
  readonly isForgetful?: boolean;
}

/** A conversation of three questions and a close, in which one end dies once. */
class Talk {
  readonly asker;
  readonly provider;
  isDead = false;
  answered = 0;
  /** nV at which the provider would close, once it was asked to. */
  closed: bigint | undefined;
  /** Units that went out by question: the truth, which neither end decides. */
  readonly #sent = new Map<number, number>();
  /** nV of the highest voucher that left the asker. */
  vouched = 0n;
  readonly #death: Death;
  #toProvider: AskerFrame[] = [];
  #toAsker: ProviderFrame[] = [];
  #serve: Serve | undefined;
  #stream: number | undefined;
  #streams = 0;
  #effects = 0;

  constructor(death: Death) {
    this.#death = death;
    const { isForgetful = false } = death;
    const both = { dies: () => this.#dies(), isForgetful, stored: () => {} };
    this.asker = new Process<AskerState, AskerEvent, AskerEffect, AskerRecord>({
      ...both,
      codec: AskerRecord,
      first: newAskerRecord(GENESIS, OPENING),
      stateOf: askerOf,
      next: (state, event) => nextAsker(ASKER_END, state, event, VIEW),
      perform: (effect) => this.#ofAsker(effect),
    });
    this.provider = new Process<ProviderState, ProviderEvent, ProviderEffect, ProviderRecord>({
      ...both,
      codec: ProviderRecord,
      first: newProviderRecord(GENESIS, OPENING),
      stateOf: providerOf,
      next: (state, event) => nextProvider(PROVIDER_END, state, event, VIEW),
      perform: (effect) => this.#ofProvider(effect),
    });
  }

  #dies(): boolean {
    const isNow = this.#effects++ === this.#death.after;
    this.isDead ||= isNow;
    return isNow;
  }

  #ofAsker(effect: AskerEffect): void {
    if (effect.type === 'tell' && effect.what === 'answered') this.answered++;
    if (effect.type !== 'send' || effect.stream !== this.#stream) return;
    const frame = signAskerFrame(effect.says, newAskerRecord(GENESIS, OPENING), {
      genesis: GENESIS,
      secret: SIGNER,
    });
    if (frame.type === 'voucher' && frame.amount > this.vouched) this.vouched = frame.amount;
    this.#toProvider.push(frame);
  }

  #ofProvider(effect: ProviderEffect): void {
    if (effect.type === 'serve') this.#serve = effect;
    if (effect.type === 'abort') this.#serve = undefined;
    if (effect.type === 'close') this.closed = effect.amount;
    if (effect.type !== 'send' || effect.stream !== this.#stream) return;
    const frame = signProviderFrame(effect.says, { genesis: GENESIS, secret: SERVING });
    if (frame.type === 'part')
      this.#sent.set(frame.n, Math.max(this.#sent.get(frame.n) ?? 0, frame.units));
    this.#toAsker.push(frame);
  }

  /** nV of all that went out. */
  get sent(): bigint {
    return [...this.#sent.values()].reduce(
      (sum, units) => sum + costOf({ price: TOKENS, read: READ }, units),
      0n,
    );
  }

  /** Until the channel is closed, or nothing happens any more. */
  run(): this {
    for (let i = 0; i < 200 && this.closed === undefined; i++) {
      if (this.isDead && this.#death.isForGood) break;
      if (this.asker.state && this.provider.state) this.#step();
      else this.#restart();
    }
    return this;
  }

  #restart(): void {
    const stream = this.#stream!;
    this.#stream = undefined;
    [this.#toProvider, this.#toAsker] = [[], []];
    if (!this.provider.state) this.#serve = undefined;
    this.asker.enter({ type: 'gone', stream });
    this.provider.enter({ type: 'gone', stream });
    for (const end of [this.asker, this.provider]) {
      end.start();
      end.enter({ type: 'chain' });
    }
  }

  #step(): void {
    const stream = this.#stream;
    if (stream === undefined) return this.#connect();
    const toProvider = this.#toProvider.shift();
    if (toProvider) return void this.provider.enter({ type: 'frame', stream, frame: toProvider });
    const toAsker = this.#toAsker.shift();
    if (toAsker) return void this.asker.enter({ type: 'frame', stream, frame: toAsker });
    if (this.#serve) return this.#produce(this.#serve);
    const { n } = this.asker.record;
    const most = QUESTIONS[n];
    if (most === undefined) return void this.asker.enter({ type: 'close' });
    const salt = new Uint8Array(1 + READ).fill(n + 1);
    this.asker.enter({ type: 'ask', asked: asked(most, { salt, input: salt }) });
  }

  #connect(): void {
    const stream = (this.#stream = ++this.#streams);
    this.asker.enter({ type: 'connected', stream, peers: PEERS });
    const open = this.#toProvider.shift();
    if (open?.type !== 'open') return;
    const { signature } = open;
    this.provider.enter({ type: 'opened', stream, peers: PEERS, signature });
  }

  #produce(serve: Serve): void {
    const { run, from, upTo, question } = serve;
    this.#serve = undefined;
    const to = Math.min(upTo, from + PIECE);
    const bytes = answerTo(question, from, to);
    // Before it is told, which may begin the next run.
    if (to < upTo) this.#serve = { ...serve, from: to };
    this.provider.enter({ type: 'produced', run, bytes, units: to - from, last: false });
  }
}

/** All places where an end can die. */
const PLACES = Array.from({ length: placesOf() }, (_, after) => after);
function placesOf(): number {
  let places = 0;
  for (; new Talk({ after: places, isForGood: true }).run().isDead; places++);
  return places;
}

/** nV that an honest end has lost at most. */
const lossOf = ({ asker, provider, sent, vouched }: Talk): bigint => {
  const losses = [sent - provider.record.amount, vouched - receivedOf(asker.record)];
  return losses.reduce((most, nV) => (nV > most ? nV : most), 0n);
};

describe('an end that dies at each of its steps', () => {
  it('has many of them', () => expect(PLACES.length).toBeGreaterThan(40));

  it('and comes back: all is answered, paid and closed', () => {
    const total = QUESTIONS.reduce(
      (sum, most) => sum + costOf({ price: TOKENS, read: READ }, most),
      0n,
    );
    for (const after of PLACES) {
      const talk = new Talk({ after, isForGood: false }).run();
      expect(talk.asker.record.n, `after ${after}`).toBe(QUESTIONS.length);
      expect([talk.sent, talk.closed], `after ${after}`).toEqual([total, total]);
    }
  });

  it('and stays away: the other has lost a step at most', () => {
    for (const after of PLACES)
      expect(
        lossOf(new Talk({ after, isForGood: true }).run()),
        `after ${after}`,
      ).toBeLessThanOrEqual(STEP);
  });

  it('and had written nothing: it has lost more', () => {
    const some = PLACES.filter((after) => after % 8 === 7);
    const losses = some.map((after) =>
      lossOf(new Talk({ after, isForGood: true, isForgetful: true }).run()),
    );
    expect(losses.some((loss) => loss > STEP)).toBe(true);
  });
});
