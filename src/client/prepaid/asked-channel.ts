/**
 * One channel that this device opened, running: its machine, the stream to its provider, and the promise of whoever
 * waits for an answer. The stream is there while there is something to say; where it is cut it is opened again, a
 * bounded number of times, and then the question stays where it is: it is asked again at the next head, or by the same
 * call.
 */
import type { AskerFrame } from '../../core/ask-messages.ts';
import { encode } from '../../core/codec.ts';
import { SignedTx } from '../../core/formats.ts';
import { equal } from '../../lib/bytes.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';
import { pause } from '../../lib/pause.ts';
import type { AskStream } from '../../net/asking/ask-stream.ts';
import type { Transport } from '../../net/transport.ts';
import type { UnattendedApi } from '../../wallet/vault/vault-api.ts';
import type { PaidAnswer, Prepaid } from '../api.ts';
import {
  DISTRUSTED,
  isWaiting,
  type AskerCurrent,
  type AskerRecord,
} from '../channels/asker-record.ts';
import {
  ASKER_POLICY,
  askerOf,
  nextAsker,
  type Asked,
  type AskerEffect,
  type AskerEvent,
  type AskerSays,
  type AskerState,
  type Told,
} from '../channels/asker.ts';
import type { ChannelChain } from '../channels/channel-chain.ts';
import { ChannelRunner } from '../channels/channel-runner.ts';
import type { ChannelStore } from '../channels/channel-store.ts';
import { askerFrame } from '../channels/saying.ts';
import { isEnding, openingOf, type ChannelView } from '../channels/terms.ts';
import { codeOfRefusal } from './problems.ts';

/** ms before each try to reach a provider that nothing has come from: two minutes in all. */
export const WAITS_MS: readonly number[] = [
  0, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000, 30_000,
];

/** ms without a part of the answer after which a stream is given up, and with it the question for now. */
export const PATIENCE_MS = 300_000;
/** Of the patience, after which a stream is given back that nothing was asked on since. */
const QUIET_SHARE = 5;
/** Calls of one channel whose event waits for its turn. */
const CALLS_MAX = 8;

/** Codes after which the provider is left alone: each side would put the other's stream out. */
const LEFT_ALONE: ReadonlySet<ErrorCode> = new Set(['CHANNEL_REPLACED']);

/** Codes that pass by themselves. */
const LATER: ReadonlySet<ErrorCode> = new Set([
  'PROVIDER_BUSY',
  'CHANNEL_UNSEEN',
  'CHANNEL_SHALLOW',
]);

export interface AskedChannelDeps {
  readonly genesis: Uint8Array;
  readonly store: ChannelStore<AskerRecord>;
  readonly chain: Pick<ChannelChain, 'view' | 'send'>;
  readonly signers: Pick<UnattendedApi, 'signAsk' | 'signVoucher' | 'channelEnded'>;
  readonly dial: NonNullable<Transport['ask']>;
  /** Where a provider is now: libp2p's peer id. */
  peerOf(provider: Uint8Array): string | undefined;
  /** Keeps what was answered, once. Resolves with it as it is told. */
  keep(record: AskerRecord): Promise<PaidAnswer>;
  isDistrusted(provider: Uint8Array): boolean;
  distrust(provider: Uint8Array): Promise<void>;
  /** The channel's record is to go: what was vouched for in it counts on. */
  ending(record: AskerRecord): Promise<void>;
  onPart(channel: Uint8Array, n: number, bytes: Uint8Array): void;
  /** Something that `describe` tells may have changed. */
  onChange(): void;
  readonly waitsMs: readonly number[];
  readonly patienceMs: number;
}

type Runner = ChannelRunner<AskerState, AskerEvent, AskerEffect>;

export class AskedChannel {
  readonly id: Uint8Array;
  readonly #deps: AskedChannelDeps;
  readonly #stopped = new AbortController();
  /** As it was last written. */
  #record: AskerRecord;
  #runner: Runner | undefined;
  #view: ChannelView | undefined;
  readonly #streams = new Map<number, AskStream<AskerFrame>>();
  #streamsMade = 0;
  #connecting = false;
  /** ms before each try that is left. */
  #waitsMs: readonly number[] = [];
  /** Aborted when its provider has told where it is: no wait for the next try. */
  #heard = new AbortController();
  #asking: PromiseWithResolvers<PaidAnswer> | undefined;
  /** A voucher could not be sent. */
  #owes = false;
  /** The provider knows that nothing more is asked, or has said so itself. */
  #isCloseSaid = false;
  #problem: ErrorCode | undefined;
  /** Why its opening was not sent at once. */
  #unsent: ErrorCode | undefined;
  #isOver = false;
  /** It was seen in a block. */
  #hasStood = false;
  /** Calls whose event waits for its turn. */
  #calls = 0;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(record: AskerRecord, deps: AskedChannelDeps) {
    this.id = record.channel;
    this.#record = record;
    this.#deps = deps;
  }

  get record(): AskerRecord {
    return this.#record;
  }
  get isOver(): boolean {
    return this.#isOver;
  }

  describe(): Prepaid {
    const { channel, opening, vouched, n } = this.#record;
    const { provider, payee, limit } = openingOf(this.#record);
    const view = this.#view;
    const isBusy = isWaiting(this.#record);
    const state = this.#stateOf(view);
    // One that stands no more has no end ahead: the view's is that of an opening in the next block.
    const isGone = state !== 'waiting' && view?.depth === undefined;
    const unsent = state === 'waiting' ? this.#unsent : undefined;
    return {
      id: channel,
      opening: encode(SignedTx, opening),
      provider,
      payee,
      peer: this.#deps.peerOf(provider) ?? '',
      limit,
      spent: vouched,
      expiry: isGone ? undefined : view?.expiry,
      state,
      depth: view?.depth ?? 0,
      isBusy,
      answers: isBusy ? n - 1 : n,
      problem: state === 'over' ? undefined : (this.#problem ?? unsent),
    };
  }

  #stateOf(view: ChannelView | undefined): Prepaid['state'] {
    const { ended } = this.#record;
    if (this.#isOver) return 'over';
    if (this.#isDistrusted()) return 'distrusted';
    if (ended) return 'closing';
    const isPaid = this.#record.vouched > 0n;
    if (!view) return isPaid || this.#hasStood ? 'open' : 'waiting';
    // Gone from the chain after it was used: its provider has closed it. Where nothing was vouched for no close pays,
    // so that its opening is in no block and will be in none.
    if (view.isLost) return isPaid ? 'closing' : 'over';
    if (!view.depth) return 'waiting';
    return isEnding(view) ? 'ending' : 'open';
  }

  #isDistrusted(): boolean {
    const { provider } = openingOf(this.#record);
    return this.#record.ended === DISTRUSTED || this.#deps.isDistrusted(provider);
  }

  /** Resolves when the answer is whole. @throws AppError as PrepaidApi.askPrepaid */
  async ask(asked: Asked): Promise<PaidAnswer> {
    if (this.#isDistrusted()) throw new AppError('PROVIDER_FALSE', 'not asked again');
    await this.#look();
    if (!this.#view) throw new AppError('NOT_PROVEN', 'nobody proves this channel now');
    if (this.#stateOf(this.#view) === 'over') throw lost();
    const { current, ended } = this.#record;
    // It came while the chain was looked at.
    if (current && isAnswered(current, asked)) return this.#deps.keep(this.#record);
    const isAgain = isWaiting(this.#record) && !ended && isSame(current!.question, asked);
    if (this.#asking && !isAgain) throw new AppError('QUESTION_BUSY', 'one question at a time');
    const asking = (this.#asking ??= Promise.withResolvers());
    this.#problem = undefined;
    this.#waitsMs = this.#deps.waitsMs;
    if (!isAgain || this.#record.isStopped)
      await this.#byPerson(isAgain ? { type: 'goOn' } : { type: 'ask', asked }).catch(
        (e: unknown) => {
          const { code, message } = AppError.from(e);
          this.#fail(code, message);
        },
      );
    this.#connect();
    this.#deps.onChange();
    return asking.promise;
  }

  async stop(): Promise<void> {
    await this.#byPerson({ type: 'stop' });
  }

  async close(): Promise<void> {
    this.#isCloseSaid = false;
    this.#problem = undefined;
    this.#waitsMs = this.#deps.waitsMs;
    await this.#byPerson({ type: 'close' });
    this.#connect();
  }

  /** Its provider was convicted: nothing more is asked of it or vouched for. */
  async convict(): Promise<void> {
    await this.#enter(CONVICTED).catch(() => undefined);
    this.#dropStreams();
    this.#problem = 'PROVIDER_FALSE';
    this.#fail('PROVIDER_FALSE', 'its provider was convicted');
    this.#deps.onChange();
  }

  /** The head has changed, or the process has started. */
  async onHead(): Promise<void> {
    const view = await this.#look();
    if (!view) return;
    const { opening } = this.#record;
    // Pools forget and branches change: until it is in a block it is said again.
    if (view.depth === undefined && !view.isOver)
      await this.#deps.chain.send(opening).catch(() => undefined);
    this.#hasStood ||= Boolean(view.depth);
    if (this.#stateOf(view) === 'over') this.#failWith(lost());
    await this.#enter({ type: 'chain' }).catch(() => undefined);
    this.tryAgain();
    this.#deps.onChange();
  }

  /** Its opening could not be sent: it is said again at each head. */
  noteUnsent(code: ErrorCode): void {
    this.#unsent = code;
  }

  /** Its provider was heard: perhaps it was loaded again, and has another peer id. */
  onOffer(): void {
    this.#heard.abort();
    this.tryAgain();
  }

  /** One try to go on with what was given up; its provider may be there again. */
  tryAgain(): void {
    if (!this.#waitsMs.length) this.#waitsMs = [0];
    this.#connect();
  }

  /** Ends what runs here; the record stays as it is. */
  end(): void {
    this.#stopped.abort();
    clearTimeout(this.#patience);
    this.#dropStreams();
    this.#fail('STORE_CLOSED', 'this client was stopped');
  }

  async #look(): Promise<ChannelView | undefined> {
    const seen = await this.#deps.chain.view(this.#record.opening).catch(() => undefined);
    this.#view = seen ?? this.#view;
    return seen;
  }

  // --- The machine.

  /** Leaves room in the runner's queue for frames, heads, and the end of a stream, which must not be lost. */
  async #byPerson(event: AskerEvent): Promise<void> {
    if (this.#calls >= CALLS_MAX) throw new AppError('BUSY', `${CALLS_MAX} calls wait`);
    this.#calls++;
    await this.#enter(event).finally(() => this.#calls--);
  }

  async #enter(event: AskerEvent): Promise<void> {
    if (this.#isOver || this.#stopped.signal.aborted)
      throw new AppError('CHANNEL_UNKNOWN', 'it is over');
    const runner = (this.#runner ??= this.#start());
    try {
      await runner.enter(event);
    } catch (e) {
      if (runner.failed && this.#runner === runner) this.#onFailed(runner.failed);
      throw e;
    }
    this.#deps.onChange();
  }

  #start(): Runner {
    const end = { genesis: this.#deps.genesis, policy: ASKER_POLICY };
    return new ChannelRunner<AskerState, AskerEvent, AskerEffect>({
      state: askerOf(this.#record),
      next: (state, event) =>
        nextAsker(end, state, this.#isDue(state) ? CONVICTED : event, this.#view ?? UNSEEN),
      perform: (effect) => this.#perform(effect),
    });
  }

  /** Convicted while something was on its way: nothing more of it counts. */
  #isDue({ record }: AskerState): boolean {
    return record.ended !== DISTRUSTED && this.#deps.isDistrusted(openingOf(record).provider);
  }

  /** A record that can't be written, or a signature that is refused: what follows begins from the record. */
  #onFailed({ code, message }: AppError): void {
    this.#runner = undefined;
    this.#dropStreams();
    this.#problem = code;
    this.#fail(code, message);
  }

  async #perform(effect: AskerEffect): Promise<void> {
    switch (effect.type) {
      case 'store':
        await this.#deps.store.put(effect.record);
        this.#record = effect.record;
        return this.#deps.onChange();
      case 'send':
        return this.#send(effect.stream, effect.says);
      case 'drop':
        return this.#drop(effect.stream);
      case 'tell':
        return this.#tell(effect);
      case 'forget':
        await this.#deps.ending(this.#record);
        // Where the keys are gone or away, the signer ends by their clock.
        await this.#deps.signers.channelEnded(effect.channel).catch(() => undefined);
        await this.#deps.store.remove(effect.channel);
    }
  }

  async #send(id: number, says: AskerSays): Promise<void> {
    const stream = this.#streams.get(id);
    const frame = stream && (await askerFrame(says, this.#record, this.#deps.signers));
    const isSent = await stream?.send(frame!).then(
      () => true,
      () => false,
    );
    if (says.type === 'voucher') this.#owes = !isSent;
    if (says.type === 'close' && isSent) this.#isCloseSaid = true;
    if (says.type === 'question') this.#expectMore();
  }

  async #tell(told: Told): Promise<void> {
    const { provider } = openingOf(this.#record);
    switch (told.what) {
      case 'part':
        this.#waitsMs = this.#deps.waitsMs;
        this.#expectMore();
        return this.#deps.onPart(this.id, this.#record.n, told.bytes);
      case 'answered':
        return this.#onAnswered(told.answer);
      case 'unaskable':
        return this.#fail(told.code, 'the question was not asked');
      case 'refused':
        return this.#onRefused(codeOfRefusal(told.code), told.least);
      case 'distrusted':
        await this.#deps.distrust(provider);
        this.#problem = 'PROVIDER_FALSE';
        return this.#fail('PROVIDER_FALSE', told.code);
      case 'dropped':
        this.#isOver = true;
        this.#fail('CHANNEL_CLOSED', 'it is over');
        return this.end();
    }
  }

  async #onAnswered(answer: Uint8Array): Promise<void> {
    const kept = await this.#deps.keep(this.#record);
    // A receipt for nothing is no answer, unless it was stopped.
    const without = this.#problem ?? (this.#record.isStopped ? undefined : 'PROVIDER_FAILED');
    const failed = answer.length ? undefined : without;
    this.#expectMore();
    if (failed) return this.#fail(failed, 'nothing was answered');
    this.#problem = undefined;
    this.#asking?.resolve(kept);
    this.#asking = undefined;
  }

  #onRefused(code: ErrorCode, least: bigint): void {
    this.#problem = code;
    this.#isCloseSaid ||= Boolean(this.#record.ended);
    const isLost = !isWaiting(this.#record) || this.#record.ended || LEFT_ALONE.has(code);
    // One that has not taken the channel takes no further question on this stream.
    if (isLost) this.#dropStreams();
    if (isLost) return this.#fail(code, `at least ${least}`);
    // A part has come: the rest is asked for again in a while. Of all other codes the receipt follows.
    if (LATER.has(code)) this.#dropStreams();
  }

  #fail(code: ErrorCode, message: string): void {
    this.#failWith(new AppError(code, message));
  }

  #failWith(error: AppError): void {
    const asking = this.#asking;
    this.#asking = undefined;
    // Nobody may be waiting for it.
    asking?.promise.catch(() => undefined);
    asking?.reject(error);
  }

  // --- The stream.

  #isWanted(): boolean {
    const { ended } = this.#record;
    if (this.#isOver || this.#stopped.signal.aborted || this.#isDistrusted()) return false;
    if (this.#problem && LEFT_ALONE.has(this.#problem)) return false;
    return this.#owes || (ended ? !this.#isCloseSaid : isWaiting(this.#record));
  }

  /** Opens a stream if there is something to say and none is open. */
  #connect(): void {
    if (this.#connecting || this.#streams.size) return;
    if (!this.#isWanted()) {
      // Its provider has closed the channel before it answered.
      const isLost = isWaiting(this.#record) && this.#record.ended;
      return isLost ? this.#fail('CHANNEL_CLOSED', 'nothing more comes') : undefined;
    }
    this.#connecting = true;
    void this.#reach().finally(() => (this.#connecting = false));
  }

  async #reach(): Promise<void> {
    const signal = this.#stopped.signal;
    while (this.#isWanted()) {
      const [waitMs, ...left] = this.#waitsMs;
      if (waitMs === undefined) {
        this.#problem = 'PROVIDER_GONE';
        this.#fail('PROVIDER_GONE', 'it was tried for two minutes');
        return this.#deps.onChange();
      }
      this.#waitsMs = left;
      await pause(waitMs, AbortSignal.any([signal, this.#heard.signal]));
      if (this.#heard.signal.aborted) this.#heard = new AbortController();
      if (await this.#open()) return;
    }
  }

  async #open(): Promise<boolean> {
    const peer = this.#deps.peerOf(openingOf(this.#record).provider);
    if (peer === undefined) return false;
    return this.#deps
      .dial(peer, (stream) => {
        const id = ++this.#streamsMade;
        this.#streams.set(id, stream);
        this.#expect(id);
        this.#enter({ type: 'connected', stream: id, peers: stream.peers }).catch(() =>
          this.#drop(id),
        );
        return {
          onFrame: async (frame) => {
            await this.#enter({ type: 'frame', stream: id, frame });
            if (frame.type === 'closing') this.#isCloseSaid = true;
          },
          onGone: () => {
            this.#streams.delete(id);
            this.#enter({ type: 'gone', stream: id })
              .catch(() => undefined)
              .finally(() => this.#connect());
          },
        };
      })
      .then(
        () => true,
        () => false,
      );
  }

  /**
   * A provider that keeps a stream and sends no answer on it is one that can't be reached. And a provider has few
   * streams for all: one that nothing more is asked on is given back.
   */
  #expect(id: number): void {
    const { patienceMs } = this.#deps;
    clearTimeout(this.#patience);
    const drop = (): void => {
      // Who takes streams and says nothing on them would else be waited for once for each try.
      if (isWaiting(this.#record)) this.#waitsMs = [];
      this.#drop(id);
    };
    this.#patience = setTimeout(
      drop,
      isWaiting(this.#record) ? patienceMs : patienceMs / QUIET_SHARE,
    );
  }

  #expectMore(): void {
    for (const id of this.#streams.keys()) this.#expect(id);
  }

  #drop(id: number): void {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    void stream?.close().catch(() => undefined);
  }

  #dropStreams(): void {
    for (const id of [...this.#streams.keys()]) this.#drop(id);
  }
}

/** Its coins are its account's again, or that account is another one now: a new channel may be opened. */
const lost = (): AppError =>
  new AppError('CHANNEL_LOST', 'its opening is in no block, and can be in none');

const CONVICTED: AskerEvent = { type: 'convicted' };

/** Before anybody has proven the channel: only what needs no chain is done. */
const UNSEEN: ChannelView = {
  height: 0,
  subsidy: 0n,
  closeCost: 0n,
  depth: undefined,
  expiry: 0,
  isLost: false,
  isOver: false,
};

/** Whether it is the question that waits, whatever salt its asker has now, or what is left pays for. */
const isSame = (question: AskerRecordQuestion, asked: Asked): boolean =>
  equal(question.model, asked.model) &&
  equal(question.input, asked.input) &&
  equal(question.options, asked.options);
type AskerRecordQuestion = NonNullable<AskerRecord['current']>['question'];

/** Whether this call was made before, and was answered. */
const isAnswered = ({ receipt, answer, question }: AskerCurrent, asked: Asked): boolean =>
  receipt !== null && answer.length > 0 && equal(question.salt, asked.salt);
