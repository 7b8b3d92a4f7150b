/**
 * The provider's end of one channel while something happens in it: carries out what the machine (provider.ts) decides,
 * over the streams of its asker, the model, the store and the chain. It begins from the record and may go at any moment.
 */
import type { AskerFrame, ProviderFrame, Question } from '../../core/ask-messages.ts';
import { encode, tryDecode } from '../../core/codec.ts';
import { SignedTx, Tx, type SignedOpening } from '../../core/formats.ts';
import { concat, toHex } from '../../lib/bytes.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { AskStream } from '../../net/asking/ask-stream.ts';
import type { Rank } from '../../miner/engine/miner-api.ts';
import type { UnattendedApi } from '../../wallet/vault/vault-api.ts';
import type { Answerer } from '../mining/answerer.ts';
import type { ChannelChain } from './channel-chain.ts';
import { ChannelRunner } from './channel-runner.ts';
import type { ChannelStore } from './channel-store.ts';
import {
  nextProvider,
  providerOf,
  type Offer,
  type ProviderEffect,
  type ProviderEnd,
  type ProviderEvent,
  type ProviderState,
} from './provider.ts';
import type { ProviderRecord } from './provider-record.ts';
import { providerFrame } from './saying.ts';
import { countedOf, type ChannelView } from './terms.ts';

/** What is asked for a question's answer, and how its sequences share passes. */
export interface ServedModel extends Offer {
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
  /** The close that was sent last: the same one again costs no signature, and no pool a replacement. */
  #close: { readonly signed: SignedTx; readonly amount: bigint } | undefined;
  #entering = 0;
  #isChainDue = false;
  #isEnded = false;

  constructor(deps: ProvidedDeps, record: ProviderRecord) {
    this.#deps = deps;
    this.id = toHex(record.channel);
    this.opening = record.opening;
    this.#runner = new ChannelRunner({
      state: providerOf(record),
      next: async (state, event) => {
        this.#requireOn();
        if (event.type === 'chain') this.#isChainDue = false;
        return nextProvider(deps.endOf(state.record), state, event, await this.#look());
      },
      perform: (effect) => this.#perform(effect),
    });
  }

  get isIdle(): boolean {
    return !this.#streams.size && !this.#run && !this.#entering;
  }

  /** Whether a stranger's question runs in it. */
  get isStrangers(): boolean {
    return this.#run?.rank === 'stranger';
  }

  /** Whether its stream keeps its place before a stranger's: its asker has paid, or is being answered. */
  get isHeld(): boolean {
    return this.#run !== undefined || this.#hasPaid();
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

  #serve({ run: id, from, upTo, rank, question }: Serve): void {
    const abort = new AbortController();
    this.#run = { id, rank, abort };
    void this.#rowsFor({ question, from, upTo, rank }, abort.signal)
      .then(({ rows, last }) => produced(id, rows, last))
      .catch((e: unknown): ProviderEvent => {
        if (!abort.signal.aborted)
          this.#deps.log.warn('answer.failed', { channel: this.id, code: AppError.from(e).code });
        return { type: 'failed', run: id };
      })
      .then((event) => {
        if (abort.signal.aborted) return;
        this.#run = undefined;
        return this.#enter(event);
      })
      // What ends the channel was said where it ended.
      .catch(() => undefined);
  }

  async #rowsFor(
    { question, from, upTo, rank }: Pick<Serve, 'question' | 'from' | 'upTo' | 'rank'>,
    signal: AbortSignal,
  ): Promise<{ readonly rows: readonly Uint8Array[]; readonly last: boolean }> {
    const { n, model, most, input } = question;
    const served = this.#deps.offerOf(question);
    if (!served) throw new AppError('MODEL_MISSING', 'it is served no more');
    const { sequenceBytes, passSequences, unitBytes } = served;
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

  #abort(id: number): void {
    if (this.#run?.id !== id) return;
    this.#run.abort.abort();
    this.#run = undefined;
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

const produced = (
  run: number,
  rows: readonly Uint8Array[],
  last: boolean,
): Extract<ProviderEvent, { type: 'produced' }> => ({
  type: 'produced',
  run,
  bytes: concat(...rows),
  units: rows.length,
  last,
});
