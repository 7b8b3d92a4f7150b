/**
 * The provider's end of one channel while something happens in it: carries out what the machine (provider.ts) decides,
 * over the streams of its asker, the model, the store and the chain. It begins from the record and may go at any moment.
 */
import type { AskerFrame, ProviderFrame, Question } from '../../core/ask-messages.ts';
import { encode, tryDecode } from '../../core/codec.ts';
import { SignedTx, Tx, type SignedOpening } from '../../core/formats.ts';
import { stepOf } from '../../core/price.ts';
import { bytesFromTokens } from '../../core/reading.ts';
import { concat, toHex } from '../../lib/bytes.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { AskStream } from '../../net/asking/ask-stream.ts';
import type { Rank } from '../../miner/engine/miner-api.ts';
import type { Made } from '../../miner/generator/answer.ts';
import type { UnattendedApi } from '../../wallet/vault/vault-api.ts';
import type { Answerer } from '../mining/answerer.ts';
import type { ChannelChain } from './channel-chain.ts';
import { ChannelRunner } from './channel-runner.ts';
import type { ChannelStore } from './channel-store.ts';
import {
  nextProvider,
  owedWithRun,
  providerOf,
  type Offer,
  type ProviderEffect,
  type ProviderEnd,
  type ProviderEvent,
  type ProviderState,
} from './provider.ts';
import { isRunning, owedOf, type ProviderRecord } from './provider-record.ts';
import { providerFrame } from './saying.ts';
import { countedOf, type ChannelView } from './terms.ts';

/** What is asked for a question's answer, and how it is made. */
export interface ServedModel extends Offer {
  /** Of rows, how sequences share passes: undefined of tokens, which are made one after another. */
  readonly passes: Passes | undefined;
  /** Ids of an input's tokens without padding, of a model that gives tokens. */
  readonly tokens: Uint32Array | undefined;
}

interface Passes {
  /** Bytes of input for each sequence. */
  readonly sequenceBytes: number;
  /** Sequences of one pass in the shape of the longest: it takes its time with one of them too. */
  readonly passSequences: number;
}

export type CloseSigner = Pick<UnattendedApi, 'signReceipt' | 'signClose'>;

export interface ProvidedDeps {
  readonly chain: ChannelChain;
  readonly store: ChannelStore<ProviderRecord>;
  readonly signers: CloseSigner;
  readonly answerer: Answerer;
  readonly nowMs: () => number;
  readonly log: Log;
  readonly endOf: (record: ProviderRecord) => ProviderEnd;
  readonly offerOf: (asked: Pick<Question, 'model' | 'input'>) => ServedModel | undefined;
  /** Whether another stranger's question would be one too many. */
  readonly isFull: () => boolean;
  /** Told once a record is kept; `before`: what was kept of this channel. */
  readonly onStored: (record: ProviderRecord, before: ProviderRecord | undefined) => void;
  /** Its record goes, and what it came to is counted. */
  readonly onOver: (record: ProviderRecord) => Promise<void>;
  /** Nothing happens in it any more, or nothing can. */
  readonly onIdle: (channel: ProvidedChannel) => void;
}

/** What is believed of a channel that nobody can prove now: nothing is served in it, and it isn't closed. */
const UNPROVEN: ChannelView = {
  height: 0,
  subsidy: 1n,
  closeCost: 0n,
  depth: undefined,
  isLost: false,
  isOver: false,
  expiry: 0xffff_ffff,
};
/** Per cent of the last close's fee that another must pay, for pools to take it in its place. */
const FEE_STEP_PERCENT = 110n;
/** Blocks before the end of a close's own validity in which another one is made. */
const CLOSE_ENDS_BLOCKS = 5;
/** ms of tokens that are told in one part: often enough to be read as they come, seldom enough for store and stream. */
const PART_MS = 100;
/** ms for which a model keeps its place in a text until the next voucher: such places are few. */
const LATE_MS: Readonly<Record<Rank, number>> = { own: 0, payer: 10_000, stranger: 3000 };

type Serve = Extract<ProviderEffect, { type: 'serve' }>;
type CloseEffect = Extract<ProviderEffect, { type: 'close' }>;

export class ProvidedChannel {
  readonly id: string;
  readonly opening: SignedOpening;
  readonly #deps: ProvidedDeps;
  readonly #runner: ChannelRunner<ProviderState, ProviderEvent, ProviderEffect>;
  readonly #streams = new Map<number, AskStream<ProviderFrame>>();
  #view = UNPROVEN;
  #run: { readonly id: number; readonly rank: Rank; readonly abort: AbortController } | undefined;
  /** Rows of the current question, from its sequence `first` on: a pass gives more of them than a step may show. */
  #rows: Rows | undefined;
  /** Tokens of the current question, between its steps too. */
  #speech: Speech | undefined;
  /** The close that was sent last: the same one again costs no signature, and no pool a replacement. */
  #close: { readonly signed: SignedTx; readonly amount: bigint } | undefined;
  #owed: bigint;
  #entering = 0;
  #isChainDue = false;
  #isEnded = false;

  constructor(deps: ProvidedDeps, record: ProviderRecord) {
    this.#deps = deps;
    this.id = toHex(record.channel);
    this.opening = record.opening;
    this.#owed = owedOf(record);
    this.#runner = new ChannelRunner({
      state: providerOf(record),
      next: async (state, event) => {
        this.#requireOn();
        if (event.type === 'chain') this.#isChainDue = false;
        const view = await this.#look();
        const turn = nextProvider(deps.endOf(state.record), state, event, view);
        // Before anything else happens: another channel of this asker may be asked in at the same moment.
        this.#owed = owedWithRun(turn[0]);
        return turn;
      },
      perform: (effect) => this.#perform(effect),
    });
  }

  get isIdle(): boolean {
    return !this.#streams.size && !this.#run && !this.#speech && !this.#entering;
  }

  /** Whether a stranger's question runs in it. */
  get isStrangers(): boolean {
    return (this.#run ?? this.#speech)?.rank === 'stranger';
  }

  /** Whether its stream keeps its place before a stranger's: its asker has paid, or is being answered. */
  get isHeld(): boolean {
    return this.#run !== undefined || this.#hasPaid();
  }

  /** nV of what was delivered, or is on its way, and not vouched for. */
  get owed(): bigint {
    return this.#owed;
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** @returns false where the stream was refused */
  async open(
    number: number,
    stream: AskStream<ProviderFrame>,
    signature: Uint8Array,
  ): Promise<boolean> {
    this.#streams.set(number, stream);
    await this.#enter({ type: 'opened', stream: number, peers: stream.peers, signature });
    return this.#streams.has(number);
  }

  async onFrame(stream: number, frame: AskerFrame): Promise<void> {
    if (frame.type === 'question' && this.#isOneTooMany(frame))
      return this.#send(stream, { type: 'refused', code: 'PROVIDER_BUSY', least: 0n });
    await this.#enter({ type: 'frame', stream, frame });
  }

  onGone(stream: number): void {
    this.#streams.delete(stream);
    void this.#enter({ type: 'gone', stream }).catch(() => undefined);
  }

  /** One head waits at a time: whatever it finds is of the newest. @param isEnding whether a close is due */
  onChain(isEnding: boolean): void {
    // Who reads slowly would else hold back the close of what he owes until all goes back to him.
    if (this.#isChainDue && isEnding) this.#dropStreams();
    if (this.#isChainDue || this.#isEnded) return;
    this.#isChainDue = true;
    void this.#enter({ type: 'chain' }).catch(() => undefined);
  }

  /** One that goes on is let through: its asker would give the channel up. */
  #isOneTooMany({ n }: Question): boolean {
    return !this.#hasPaid() && n !== this.#runner.state.record.n && this.#deps.isFull();
  }

  #hasPaid(): boolean {
    const { record } = this.#runner.state;
    return this.#deps.endOf(record).earlier + countedOf(record.amount, this.#view) > 0n;
  }

  /** @throws AppError BUSY, or what ended the channel here: it goes on from its record when it is next asked for */
  async #enter(event: ProviderEvent): Promise<void> {
    this.#requireOn();
    this.#entering++;
    try {
      await this.#runner.enter(event);
    } catch (e) {
      this.#end(AppError.from(e));
      throw e;
    } finally {
      this.#entering--;
      if (this.isIdle) this.#deps.onIdle(this);
    }
  }

  #end({ code, message }: AppError): void {
    if (this.#isEnded) return;
    this.#deps.log.warn('channel.ended', { channel: this.id, code, message });
    this.#leave();
  }

  /** @throws AppError BUSY once it has ended here: it goes on from its record, with one writer at a time */
  #requireOn(): void {
    if (this.#isEnded) throw new AppError('BUSY', 'the channel goes on from its record');
  }

  /** Nothing more happens here; once what is happening is over, whoever comes finds what is kept. */
  #leave(): void {
    this.#isEnded = true;
    this.#run?.abort.abort();
    this.#run = undefined;
    this.#endSpeech();
    this.#dropStreams();
    if (this.isIdle) this.#deps.onIdle(this);
  }

  #dropStreams(): void {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) void stream.close().catch(() => undefined);
  }

  async #look(): Promise<ChannelView> {
    const view = await this.#deps.chain.view(this.opening).catch(() => undefined);
    this.#view = view ?? { ...this.#view, depth: undefined, isOver: false };
    return this.#view;
  }

  async #perform(effect: ProviderEffect): Promise<void> {
    this.#requireOn();
    const { store, signers } = this.#deps;
    switch (effect.type) {
      case 'store': {
        const before = store.get(effect.record.channel);
        await store.put(effect.record);
        if (!isRunning(effect.record)) this.#endSpeech();
        return this.#deps.onStored(effect.record, before);
      }
      case 'send':
        // Signed also for a stream that is gone: a key that signs no more ends the channel here.
        return this.#send(effect.stream, await providerFrame(effect.says, signers));
      case 'drop': {
        const stream = this.#streams.get(effect.stream);
        this.#streams.delete(effect.stream);
        return stream?.close().catch(() => undefined);
      }
      case 'serve':
        return this.#serve(effect);
      case 'abort':
        return this.#abort(effect.run);
      case 'close':
        return this.#sendClose(effect);
      case 'forget': {
        await this.#deps.onOver(this.#runner.state.record);
        return this.#leave();
      }
    }
  }

  /** A stream that takes no frame is over; the channel is not, and goes on over the next one. */
  async #send(number: number, frame: ProviderFrame): Promise<void> {
    const stream = this.#streams.get(number);
    await stream?.send(frame).catch(() => {
      this.#streams.delete(number);
      void stream.close().catch(() => undefined);
      void this.#enter({ type: 'gone', stream: number }).catch(() => undefined);
    });
  }

  #serve(serve: Serve): void {
    const abort = new AbortController();
    this.#run = { id: serve.run, rank: serve.rank, abort };
    // What ends the channel was said where it ended.
    void this.#deliver(serve, abort.signal).catch(() => undefined);
  }

  async #deliver(serve: Serve, signal: AbortSignal): Promise<void> {
    let units = serve.from;
    try {
      for await (const made of this.#make(serve, signal)) {
        if (signal.aborted) return;
        units += made.units;
        const isOver = made.last || units >= serve.upTo;
        // Before it is told, which may begin the next run.
        if (isOver) this.#run = undefined;
        await this.#enter({ type: 'produced', run: serve.run, ...made });
        if (isOver) return;
      }
    } catch (e) {
      if (signal.aborted || this.#isEnded) return;
      this.#deps.log.warn('answer.failed', { channel: this.id, code: AppError.from(e).code });
      this.#run = undefined;
      await this.#enter({ type: 'failed', run: serve.run });
    }
  }

  /** What a run gives, as it comes. */
  async *#make(serve: Serve, signal: AbortSignal): AsyncGenerator<Produced, void, undefined> {
    const served = this.#deps.offerOf(serve.question);
    if (!served) throw new AppError('MODEL_MISSING', 'it is served no more');
    const { passes, tokens, unitBytes } = served;
    if (tokens) return yield* this.#tokensFor(serve, tokens);
    assert(passes, 'a model gives rows or tokens');
    const { rows, last } = await this.#rowsFor(serve, { ...passes, unitBytes }, signal);
    yield { bytes: concat(...rows), units: rows.length, last };
  }

  async #rowsFor(
    { question, from, upTo, rank }: Serve,
    { sequenceBytes, passSequences, unitBytes }: Passes & Pick<Offer, 'unitBytes'>,
    signal: AbortSignal,
  ): Promise<{ readonly rows: readonly Uint8Array[]; readonly last: boolean }> {
    const { n, model, most, input } = question;
    const total = Math.ceil(input.length / sequenceBytes);
    const end = Math.min(upTo, total);
    const isLast = total <= upTo;
    if (from >= end) return { rows: [], last: isLast };
    let held = this.#rows;
    if (!held || !holds(held, { n, from, end })) {
      // What shares the last pass comes with it; more would be work that nobody may pay for.
      const until = Math.min(total, most, Math.ceil(upTo / passSequences) * passSequences);
      const some = input.slice(from * sequenceBytes, until * sequenceBytes);
      const rows = await this.#deps.answerer.answer({ model, input: some, rank, signal });
      assert(
        rows.length === until - from && rows.every(({ length }) => length === unitBytes),
        'an answer has a row of the size that was offered for each sequence',
      );
      held = this.#rows = { n, first: from, rows };
    }
    return { rows: held.rows.slice(from - held.first, end - held.first), last: isLast };
  }

  /** Tokens of an answer from the one after the first `from` on, in parts. */
  async *#tokensFor(serve: Serve, input: Uint32Array): AsyncGenerator<Produced, void, undefined> {
    const { nowMs } = this.#deps;
    const speech = this.#speechOf(serve, input);
    const step = stepOf(serve.question.price);
    clearTimeout(speech.pause);
    try {
      while (speech.at < serve.from) await nextOf(speech);
      while (speech.at < serve.upTo) {
        const tokens: number[] = [];
        const isFirst = !speech.at;
        const beganMs = nowMs();
        let [last, isOver] = [false, false];
        do {
          const made = await nextOf(speech);
          tokens.push(made.token);
          last = made.finish !== undefined;
          isOver = last || isFirst || speech.at === serve.upTo || speech.at % step === 0;
        } while (!isOver && nowMs() - beganMs < PART_MS);
        yield { bytes: bytesFromTokens(tokens), units: tokens.length, last };
        if (last) return;
      }
    } finally {
      // The next step may have begun as this one was told.
      const isRead = this.#run !== undefined && this.#run.id !== serve.run;
      if (this.#speech === speech && !isRead)
        speech.pause = setTimeout(() => {
          this.#endSpeech();
          void this.#enter({ type: 'late' }).catch(() => undefined);
        }, LATE_MS[speech.rank]);
    }
  }

  /** The one that waits for its next step; else another, which begins anew, as after a restart. */
  #speechOf({ question, from, rank }: Serve, input: Uint32Array): Speech {
    const { n, model, options } = question;
    if (this.#speech && this.#speech.n === n && this.#speech.at === from) return this.#speech;
    this.#endSpeech();
    const abort = new AbortController();
    const job = { model, input, options, rank, signal: abort.signal };
    const tokens = this.#deps.answerer.generate(job);
    return (this.#speech = { n, rank, at: 0, tokens, abort, pause: undefined });
  }

  #endSpeech(): void {
    const speech = this.#speech;
    if (!speech) return;
    this.#speech = undefined;
    clearTimeout(speech.pause);
    speech.abort.abort();
    void speech.tokens.return().catch(() => undefined);
  }

  #abort(id: number): void {
    if (this.#run?.id !== id) return;
    this.#run.abort.abort();
    this.#run = undefined;
    this.#endSpeech();
  }

  /** The next block asks for it again: what a pool refuses now, the next state may let in. */
  async #sendClose(effect: CloseEffect): Promise<void> {
    const { chain, log } = this.#deps;
    const { amount } = effect;
    try {
      const signed = await this.#closeFor(effect);
      await chain.send(signed);
      log.info('channel.close', { channel: this.id, amount, fee: signed.tx.fee });
    } catch (e) {
      const { code, message } = AppError.from(e);
      log.warn('channel.close-refused', { channel: this.id, amount, code, message });
    }
  }

  async #closeFor({ channel, amount, voucher }: CloseEffect): Promise<SignedTx> {
    const { chain, signers } = this.#deps;
    const { chainId, expiry, fee } = chain.closeFields();
    const last = this.#close;
    const isAsGood =
      last?.amount === amount &&
      fee * 100n < last.signed.tx.fee * FEE_STEP_PERCENT &&
      last.signed.tx.expiry > this.#view.height + CLOSE_ENDS_BLOCKS;
    if (isAsGood) return last.signed;
    const from = this.opening.tx.provider;
    const fields = { chainId, from, nonce: 0n, expiry, fee, channel, amount, voucher };
    const opening = encode(SignedTx, this.opening);
    const bytes = await signers.signClose(encode(Tx, { type: 'close', ...fields }), opening);
    const signed = tryDecode(SignedTx, bytes);
    assert(signed, 'what the keys signed is a transaction');
    this.#close = { signed, amount };
    return signed;
  }
}

interface Rows {
  readonly n: number;
  readonly first: number;
  readonly rows: readonly Uint8Array[];
}
const holds = (
  { n, first, rows }: Rows,
  wanted: { readonly n: number; readonly from: number; readonly end: number },
): boolean => n === wanted.n && first <= wanted.from && wanted.end <= first + rows.length;

/** Tokens of one answer as they are made. */
interface Speech {
  readonly n: number;
  readonly rank: Rank;
  /** Tokens that were read. */
  at: number;
  readonly tokens: AsyncGenerator<Made, void, undefined>;
  readonly abort: AbortController;
  /** Ends it where no step follows. */
  pause: ReturnType<typeof setTimeout> | undefined;
}

async function nextOf(speech: Speech): Promise<Made> {
  const { value } = await speech.tokens.next();
  // The run that reads it is over too.
  if (!value) throw new AppError('PASS_ABORTED', 'the answer was given up');
  speech.at++;
  return value;
}

/** Whole units, the next ones of an answer. */
type Produced = Pick<Extract<ProviderEvent, { type: 'produced' }>, 'bytes' | 'units' | 'last'>;
