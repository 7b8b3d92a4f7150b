/**
 * The provider's end of one channel: `nextProvider(end, state, event, view) → [state, effects]`, without IO, clock,
 * randomness or keys: who performs the effects signs what is to be said (saying.ts). Effects are carried out in order,
 * each after the one before has succeeded; where the record changed, its write is the first of them. So nothing is
 * served on a voucher that is not stored, and what is spent is written with what is delivered. A process that dies
 * between two effects goes on from the record (`providerOf`).
 */
import {
  askHash,
  questionHash,
  REPLY_BYTES_MAX,
  verifyHash,
  voucherHash,
  type AskPeers,
  type Receipt,
} from '../../core/channel.ts';
import type {
  AskCode,
  AskerFrame,
  AskerFrameOf,
  ProviderFrameOf,
  Question,
} from '../../core/ask-messages.ts';
import { costOf, stepCost, stepOf, unitsFor, type Priced } from '../../core/price.ts';
import { atMostU64 } from '../../core/tx/state-tx.ts';
import { concat, equal } from '../../lib/bytes.ts';
import { assert } from '../../lib/errors.ts';
import {
  deliveredOf,
  isRepeated,
  isRunning,
  owedOf,
  receiptOf,
  type ProviderRecord,
} from './provider-record.ts';
import { countedOf, creditOf, isEnding, openingOf, type ChannelView } from './terms.ts';

/** Steps that one run of the model may be ahead of vouchers, whatever the credit: what a crash can waste. */
export const STEPS_AHEAD_MAX = 16;

/** What a provider trusts a channel with; tests leave one rule out to see what it is for. */
export const PROVIDER_POLICY = {
  countedOf,
  creditOf,
  isEnding,
  verify: verifyHash,
  paysForClose: (amount: bigint, { closeCost }: ChannelView): boolean => amount > closeCost,
};
export type ProviderPolicy = typeof PROVIDER_POLICY;

/** What a provider asks for a question's answer: the least price, and the bytes of a unit. */
export interface Offer extends Priced {
  readonly unitBytes: number;
}

/** What does not change while a provider runs. */
export interface ProviderEnd {
  /** Id of the network's genesis block. */
  readonly genesis: Uint8Array;
  /** The serving key and the address that it is paid at now: who opens a channel writes what he likes into it. */
  readonly provider: Uint8Array;
  readonly payee: Uint8Array;
  /** For this input; undefined where the model is not served. */
  readonly offerOf: (asked: Pick<Question, 'model' | 'input'>) => Offer | undefined;
  /** nV that closes of this asker's earlier channels have paid. */
  readonly earlier: bigint;
  readonly policy: ProviderPolicy;
}

export interface ProviderState {
  readonly record: ProviderRecord;
  /** The one stream that this channel is served on. */
  readonly stream: number | undefined;
  /** The current question, where it was asked on this stream: its input is not in the record, nor its parts sent. */
  readonly question: Question | undefined;
  /** Number of the last question that came on this stream, 0: none. */
  readonly asked: number;
  /** The run of the model that is on its way, and the units at which it ends. */
  readonly run: { readonly id: number; readonly upTo: number } | undefined;
  /** The answer is to end with what is running. */
  readonly isStopped: boolean;
  /** Runs begun so far in this process. */
  readonly runs: number;
}
export const providerOf = (record: ProviderRecord): ProviderState => ({
  record,
  stream: undefined,
  question: undefined,
  asked: 0,
  run: undefined,
  isStopped: false,
  runs: 0,
});

export type ProviderEvent =
  /** A stream's first frame named this channel. */
  | {
      readonly type: 'opened';
      readonly stream: number;
      readonly peers: AskPeers;
      readonly signature: Uint8Array;
    }
  | { readonly type: 'frame'; readonly stream: number; readonly frame: AskerFrame }
  | { readonly type: 'gone'; readonly stream: number }
  /** The model gave whole units: `bytes` is as many equal pieces. `last`: the answer ends with them. */
  | {
      readonly type: 'produced';
      readonly run: number;
      readonly bytes: Uint8Array;
      readonly units: number;
      readonly last: boolean;
    }
  | { readonly type: 'failed'; readonly run: number }
  /** The model waited for a voucher for as long as its place in the text is kept. */
  | { readonly type: 'late' }
  /** The head or the pool changed, or the process has started. */
  | { readonly type: 'chain' };

/** A frame but for its signature. */
export type ProviderSays =
  | { readonly type: 'done'; readonly receipt: Receipt }
  | ProviderFrameOf<'opened' | 'part' | 'refused' | 'closing'>;

export type ProviderEffect =
  | { readonly type: 'store'; readonly record: ProviderRecord }
  | { readonly type: 'send'; readonly stream: number; readonly says: ProviderSays }
  /** The stream is ended after what was sent. */
  | { readonly type: 'drop'; readonly stream: number }
  /** The model goes on with the current question after its first `from` units, for as many as up to `upTo`. */
  | {
      readonly type: 'serve';
      readonly run: number;
      readonly from: number;
      readonly upTo: number;
      readonly rank: 'payer' | 'stranger';
      readonly question: Question;
    }
  | { readonly type: 'abort'; readonly run: number }
  | {
      readonly type: 'close';
      readonly channel: Uint8Array;
      readonly amount: bigint;
      readonly voucher: Uint8Array;
    }
  /** The record is of no more use to anybody. */
  | { readonly type: 'forget'; readonly channel: Uint8Array };

/** nV that nothing is vouched for once what runs has come. */
export function owedWithRun({ record, run }: ProviderState): bigint {
  const { current, before, amount } = record;
  return run && current ? before + costOf(current, run.upTo) - amount : owedOf(record);
}

type Turn = readonly [ProviderState, readonly ProviderEffect[]];
/** What a handler is given besides the state. */
interface Scene {
  readonly end: ProviderEnd;
  readonly view: ChannelView;
  readonly event: ProviderEvent;
}

export function nextProvider(
  end: ProviderEnd,
  state: ProviderState,
  event: ProviderEvent,
  view: ChannelView,
): Turn {
  const scene = { end, view, event };
  const [handled, answers] = handle(scene, state);
  const [after, more] = settle(scene, handled, state.record.closing === 1);
  const effects = [...answers, ...more];
  if (after.record === state.record) return [after, effects];
  return [after, [{ type: 'store', record: after.record }, ...effects]];
}

function handle(scene: Scene, state: ProviderState): Turn {
  const { event } = scene;
  switch (event.type) {
    case 'opened':
      return onOpened(scene, state, event);
    case 'frame':
      return event.stream === state.stream ? onFrame(scene, state, event.frame) : [state, []];
    case 'gone':
      return event.stream === state.stream
        ? [{ ...state, stream: undefined, question: undefined, asked: 0 }, []]
        : [state, []];
    case 'produced':
      return event.run === state.run?.id ? onProduced(scene, state, event) : [state, []];
    case 'failed':
      return event.run === state.run?.id ? onFailed(state) : [state, []];
    case 'late':
      return onLate(state);
    case 'chain':
      return onChain(scene, state);
  }
}

const send = (state: ProviderState, says: ProviderSays): ProviderEffect[] =>
  state.stream === undefined ? [] : [{ type: 'send', stream: state.stream, says }];
const refused = (code: AskCode, least = 0n): ProviderSays => ({ type: 'refused', code, least });

function stopRun(state: ProviderState): Turn {
  if (!state.run) return [state, []];
  return [{ ...state, run: undefined }, [{ type: 'abort', run: state.run.id }]];
}

/** The signer's proof is asked for at whatever amount: the channel's id is public. */
function onOpened(
  { end }: Scene,
  state: ProviderState,
  { stream, peers, signature }: Extract<ProviderEvent, { type: 'opened' }>,
): Turn {
  const hashed = askHash(end.genesis, state.record.channel, peers);
  if (!end.policy.verify(hashed, signature, openingOf(state.record).signer))
    return [
      state,
      [
        { type: 'send', stream, says: refused('SIGNER_WRONG') },
        { type: 'drop', stream },
      ],
    ];
  const old = state.stream;
  // The new stream has none of the parts: nothing is said on it before the question is asked again.
  const after = { ...state, stream, question: undefined, asked: 0 };
  const replaced: ProviderEffect[] =
    old === undefined
      ? []
      : [
          { type: 'send', stream: old, says: refused('CHANNEL_REPLACED') },
          { type: 'drop', stream: old },
        ];
  return [after, [...replaced, ...send(after, { type: 'opened' })]];
}

function onFrame(scene: Scene, state: ProviderState, frame: AskerFrame): Turn {
  switch (frame.type) {
    case 'open':
      // One for each stream; a second one is nothing that an asker of ours sends.
      return [state, send(state, refused('QUESTION_ORDER'))];
    case 'question':
      return onQuestion(scene, state, frame);
    case 'voucher':
      return onVoucher(scene, state, frame);
    case 'stop':
      return frame.n === state.record.n && isRunning(state.record) ? onStop(state) : [state, []];
    case 'close':
      return onClose(state);
  }
}

/** What runs was asked for: it is delivered, and owed. Else who stops each question has work done for nothing. */
const onStop = (state: ProviderState): Turn =>
  state.run ? [{ ...state, isStopped: true }, []] : finish(state);

function onQuestion(scene: Scene, state: ProviderState, asked: AskerFrameOf<'question'>): Turn {
  const { end } = scene;
  const { record } = state;
  const hashed = questionHash(asked.salt, asked.options, asked.input);
  if (isRepeated(record, asked, hashed)) return repeat(scene, state, asked);
  const broken = QUESTION_RULES.find(({ broken }) => broken(scene, record, asked));
  if (broken) return [state, send(state, refused(broken.code, broken.least(scene, record, asked)))];

  const current = {
    question: hashed,
    salt: asked.salt,
    model: asked.model,
    price: asked.price,
    read: pricedBy(end, asked).read,
    most: asked.most,
    units: 0,
    answer: new Uint8Array(),
    done: 0,
  };
  const next = { ...record, before: deliveredOf(record), n: asked.n, current };
  const { n } = asked;
  const asking = { ...state, record: next, question: asked, asked: n, isStopped: false };
  return serve(end, asking, scene.view);
}

/**
 * The same question again: what was delivered is sent again, and the rest follows. Once for each stream, since an
 * asker whose stream lives has it all, and one of a few bytes could be asked again for 4 MiB.
 */
function repeat(scene: Scene, before: ProviderState, asked: Question): Turn {
  if (before.asked === asked.n) return [before, send(before, refused('QUESTION_ORDER'))];
  const state = { ...before, asked: asked.n };
  const { answer, units, done } = state.record.current!;
  const parts = partsOf(state.record, 0, answer, units).flatMap((part) => send(state, part));
  if (done) return [state, [...parts, ...send(state, doneOf(state.record))]];
  const [after, effects] = serve(scene.end, { ...state, question: asked }, scene.view);
  return [after, [...parts, ...effects]];
}

interface QuestionRule {
  readonly code: AskCode;
  readonly broken: (scene: Scene, record: ProviderRecord, asked: Question) => boolean;
  /** What would have been enough: nV, or blocks of depth. */
  readonly least: (scene: Scene, record: ProviderRecord, asked: Question) => bigint;
}
const nothing = (): bigint => 0n;
/** At the price that it names. */
const pricedBy = ({ offerOf }: ProviderEnd, asked: Question): Priced => ({
  price: asked.price,
  read: offerOf(asked)?.read ?? 0,
});
const leastLimit = ({ end, view }: Scene, _: ProviderRecord, asked: Question): bigint =>
  view.closeCost + stepCost(pricedBy(end, asked)) + 1n;

/** Why a new question is refused, in this order. */
const QUESTION_RULES: readonly QuestionRule[] = [
  { code: 'CHANNEL_CLOSED', broken: (_, { closing }) => closing === 1, least: nothing },
  {
    code: 'CHANNEL_UNKNOWN',
    // Whom it pays is asked before its first question only: a person may use another account since then.
    broken: ({ end, view }, { n, opening: { tx } }) =>
      view.depth === undefined ||
      !equal(tx.provider, end.provider) ||
      (n === 0 && !equal(tx.payee, end.payee)),
    least: nothing,
  },
  {
    code: 'CHANNEL_ENDING',
    broken: ({ end, view }) => end.policy.isEnding(view),
    least: nothing,
  },
  { code: 'QUESTION_BUSY', broken: (_, record) => isRunning(record), least: nothing },
  { code: 'QUESTION_ORDER', broken: (_, { n }, asked) => asked.n !== n + 1, least: nothing },
  {
    code: 'MODEL_UNKNOWN',
    broken: ({ end }, _, asked) => end.offerOf(asked)?.price.type !== asked.price.type,
    least: nothing,
  },
  {
    code: 'QUESTION_LONG',
    broken: ({ end }, _, asked) =>
      asked.most === 0 || asked.most * end.offerOf(asked)!.unitBytes > REPLY_BYTES_MAX,
    least: nothing,
  },
  {
    code: 'PRICE_LOW',
    broken: ({ end }, _, asked) => asked.price.amount < end.offerOf(asked)!.price.amount,
    least: ({ end }, _, asked) => end.offerOf(asked)!.price.amount,
  },
  {
    code: 'CHANNEL_SMALL',
    broken: (scene, record, asked) => openingOf(record).limit < leastLimit(scene, record, asked),
    // A frame holds no more: whoever names a price over all there is learns that no limit is enough.
    least: (...asked) => atMostU64(leastLimit(...asked)),
  },
  {
    code: 'PAYMENT_REQUIRED',
    broken: (scene, record, asked) =>
      record.amount < deliveredOf(record) && !hasCredit(scene, record, asked),
    least: (_, record) => deliveredOf(record),
  },
  {
    code: 'CHANNEL_SHALLOW',
    broken: (scene, record, asked) => !hasCredit(scene, record, asked),
    least: ({ view }, { amount }) => 2n + (amount + view.subsidy - 1n) / view.subsidy,
  },
];

function hasCredit({ end, view }: Scene, record: ProviderRecord, asked: Question): boolean {
  const priced = pricedBy(end, asked);
  return roomOf(end, view, record, priced) >= stepCost(priced);
}

/** nV that may still be delivered before more is vouched for, or counts. */
function roomOf(
  { policy, earlier }: ProviderEnd,
  view: ChannelView,
  record: ProviderRecord,
  priced: Priced,
): bigint {
  const counted = policy.countedOf(record.amount, view);
  const unpaid = deliveredOf(record) - counted;
  return policy.creditOf(stepCost(priced), earlier + counted) - unpaid;
}

function onVoucher(
  { end }: Scene,
  state: ProviderState,
  { amount, signature }: AskerFrameOf<'voucher'>,
): Turn {
  const { record } = state;
  const say = (code: AskCode, least = 0n): Turn => [state, send(state, refused(code, least))];
  if (amount === record.amount && equal(signature, record.voucher)) return [state, []];
  const hashed = voucherHash(end.genesis, record.channel, amount);
  if (!end.policy.verify(hashed, signature, openingOf(record).signer)) return say('VOUCHER_WRONG');
  if (record.closing) return say('CHANNEL_CLOSED');
  if (amount <= record.amount) return say('VOUCHER_STALE', record.amount);
  if (amount > deliveredOf(record)) return say('VOUCHER_HIGH', deliveredOf(record));
  return [{ ...state, record: { ...record, amount, voucher: signature } }, []];
}

function onClose(state: ProviderState): Turn {
  const [done, effects] = isRunning(state.record) ? finish(state) : ([state, []] as const);
  const { amount } = done.record;
  const closing: ProviderSays = { type: 'closing', amount };
  return [
    { ...done, record: { ...done.record, closing: 1 } },
    [...effects, ...send(done, closing)],
  ];
}

function onProduced(
  { end, view }: Scene,
  state: ProviderState,
  { bytes, units, last }: Extract<ProviderEvent, { type: 'produced' }>,
): Turn {
  const { record, run } = state;
  const current = record.current!;
  assert(current.units + units <= run!.upTo, 'a run stays within what it may serve');
  // Worked for nothing rather than delivered to a channel that pays no more.
  if (!isServable(end, view, record)) return stopRun(state);

  const total = current.units + units;
  const parts = partsOf(record, current.units, bytes, units);
  const grown = { ...current, units: total, answer: concat(current.answer, bytes) };
  const isOver = last || total >= run!.upTo;
  const after: ProviderState = {
    ...state,
    record: { ...record, current: grown },
    run: isOver ? undefined : run,
  };
  const sent = state.question ? parts.flatMap((part) => send(after, part)) : [];
  // Tokens come one by one, and the step that runs is the last.
  const stepsOf = (count: number): number => Math.floor(count / stepOf(current.price));
  const isStopped = state.isStopped && (isOver || stepsOf(total) > stepsOf(current.units));
  const isWhole = last || total >= current.most || isStopped;
  if (!isWhole) return [after, sent];
  const [done, effects] = finish(after);
  return [done, [...sent, ...effects]];
}

function onFailed(state: ProviderState): Turn {
  const [done, effects] = finish({ ...state, run: undefined });
  const told = state.question ? send(state, refused('MODEL_FAILED')) : [];
  return [done, [...told, ...effects]];
}

/**
 * What goes on without its place is read anew: as another question, which pays for that. But what is all vouched for
 * waits for the channel to be deep enough, and is gone on with.
 */
const onLate = (state: ProviderState): Turn =>
  isRunning(state.record) && !state.run && owedOf(state.record) > 0n ? finish(state) : [state, []];

/** In parts that end where a step does. `bytes`: `units` pieces of equal size, after the first `from` units. */
function partsOf(
  { n, current }: ProviderRecord,
  from: number,
  bytes: Uint8Array,
  units: number,
): ProviderSays[] {
  const size = units ? bytes.length / units : 0;
  assert(Number.isInteger(size), 'units of an answer have one size');
  const step = stepOf(current!.price);
  const parts: ProviderSays[] = [];
  for (let at = 0; at < units;) {
    const end = Math.min(units, at + step - ((from + at) % step));
    const piece = bytes.slice(at * size, end * size);
    parts.push({ type: 'part', n, units: from + end, bytes: piece });
    at = end;
  }
  return parts;
}

const doneOf = (record: ProviderRecord): ProviderSays => ({
  type: 'done',
  receipt: receiptOf(record),
});

/** The answer ends with what was delivered. A stream on which it was not asked hears so after the parts (`repeat`). */
function finish(state: ProviderState): Turn {
  const [stopped, aborted] = stopRun(state);
  const current = { ...stopped.record.current!, done: 1 };
  const record = { ...stopped.record, current };
  const told = state.question ? send(stopped, doneOf(record)) : [];
  return [{ ...stopped, record, question: undefined }, [...aborted, ...told]];
}

const isServable = ({ policy }: ProviderEnd, view: ChannelView, record: ProviderRecord): boolean =>
  record.closing === 0 && view.depth !== undefined && !policy.isEnding(view);

/** Units up to which the current answer may go now. */
function servableUpTo(end: ProviderEnd, view: ChannelView, record: ProviderRecord): number {
  const current = record.current!;
  const { units, most } = current;
  if (!isServable(end, view, record)) return units;
  const step = stepOf(current.price);
  // A step that was begun goes on to its end, where it is vouched for: this process may have died within it.
  const from = units - (units % step);
  const cost = stepCost(current);
  const room = roomOf(end, view, { ...record, current: { ...current, units: from } }, current);
  const steps = cost === 0n ? STEPS_AHEAD_MAX : room < cost ? 0 : Number(room / cost);
  const ahead = Math.max(units, from + Math.min(steps, STEPS_AHEAD_MAX) * step);
  return Math.min(most, ahead, Math.max(units, payableOf(record)));
}

/** Units of the current answer that the limit pays for. */
const payableOf = (record: ProviderRecord): number =>
  unitsFor(record.current!, openingOf(record).limit - record.before);

/** Lets the model go on where the channel may be served; an answer that the limit ends is done. */
function serve(end: ProviderEnd, state: ProviderState, view: ChannelView): Turn {
  const { record, question } = state;
  const { units } = record.current!;
  if (payableOf(record) <= units) return finish(state);
  // It goes on also where its stream is gone, so that whoever comes again and again has no more work done.
  if (state.run) return [state, []];
  const upTo = servableUpTo(end, view, record);
  if (upTo === units || state.stream === undefined || !question) return [state, []];
  // As after a restart, before the model is loaded. Nothing is said: an asker that is refused would give the question up.
  if (!end.offerOf(question)) return leave(state, state.stream);
  const id = state.runs + 1;
  const paid = end.earlier + end.policy.countedOf(record.amount, view);
  const rank = paid > 0n ? 'payer' : 'stranger';
  return [
    { ...state, runs: id, run: { id, upTo } },
    [{ type: 'serve', run: id, from: units, upTo, rank, question }],
  ];
}

/** The asker comes again, and asks the same. */
const leave = (state: ProviderState, stream: number): Turn => [
  { ...state, stream: undefined, question: undefined, asked: 0 },
  [{ type: 'drop', stream }],
];

function onChain({ end, view }: Scene, state: ProviderState): Turn {
  const { record } = state;
  if (view.isOver) {
    const [stopped, aborted] = stopRun(state);
    return [stopped, [...aborted, { type: 'forget', channel: record.channel }]];
  }
  if (record.closing || view.depth === undefined || !end.policy.isEnding(view)) return [state, []];
  // The last step may still be vouched for until the next block; then the channel is closed.
  if (isRunning(record)) return finish(state);
  const closing: ProviderSays = { type: 'closing', amount: record.amount };
  return [{ ...state, record: { ...record, closing: 1 } }, send(state, closing)];
}

/** After every event: the next step of a running answer, and a close where it is time for one. */
function settle({ end, view, event }: Scene, state: ProviderState, wasClosing: boolean): Turn {
  const { record } = state;
  if (record.closing) {
    const { channel, amount, voucher } = record;
    const isTime = event.type === 'chain' || !wasClosing;
    const isIn = view.depth !== undefined && view.depth > 0;
    if (!isTime || !isIn || !end.policy.paysForClose(amount, view)) return [state, []];
    // Sent again with every block until it is in one: fees rise, pools forget, branches change.
    return [state, [{ type: 'close', channel, amount, voucher }]];
  }
  if (!isRunning(record) || state.run || !state.question) return [state, []];
  return serve(end, state, view);
}
