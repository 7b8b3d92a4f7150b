/**
 * The asker's end of one channel: `nextAsker(end, state, event, view) → [state, effects]`, without IO, clock,
 * randomness or keys: who performs the effects signs what is to be said (saying.ts). Effects are carried out in order,
 * each after the one before has succeeded; where the record changed, its write is the first of them, so that a voucher
 * is known before it is sent. What is owed follows from the bytes that came and the agreed price; a figure of the
 * provider can only end the trust in it.
 */
import {
  answerHash,
  questionHash,
  receiptHash,
  REPLY_BYTES_MAX,
  verifyHash,
  type AskPeers,
  type Receipt,
} from '../../core/channel.ts';
import type {
  AskCode,
  AskerFrameOf,
  ProviderFrame,
  ProviderFrameOf,
  Question,
} from '../../core/ask-messages.ts';
import { costOf, stepOf } from '../../core/price.ts';
import { concat, equal } from '../../lib/bytes.ts';
import {
  DISTRUSTED,
  isWaiting,
  receivedOf,
  unitsOf,
  type AskerCurrent,
  type AskerRecord,
} from './asker-record.ts';
import { isEnding, openingOf, type ChannelView } from './terms.ts';

/** Why an asker uses a channel no further: what the provider sent that no honest one sends. */
export type Distrust =
  /** Another count than that of the bytes which came. */
  | 'PROVIDER_COUNT'
  /** More than a step in one part, or more than was asked for. */
  | 'PROVIDER_JUMP'
  /** An answer that begins otherwise than before. */
  | 'PROVIDER_CHANGED'
  | 'PROVIDER_RECEIPT';
/** Why a question can't be asked. */
export type Unaskable = 'CHANNEL_CLOSED' | 'CHANNEL_ENDING' | 'CHANNEL_SMALL' | 'QUESTION_BUSY';

/** What an asker believes; tests leave one rule out to see what it is for. */
export const ASKER_POLICY = {
  isEnding,
  verify: verifyHash,
  /** What is owed by the bytes that came, and not by what the provider counts. */
  owed: (record: AskerRecord, _units: number): bigint => receivedOf(record),
  partFault,
  isOwn: (receipt: Receipt, own: Receipt): boolean =>
    receipt.n === own.n &&
    receipt.total === own.total &&
    equal(receipt.channel, own.channel) &&
    equal(receipt.model, own.model) &&
    equal(receipt.question, own.question) &&
    equal(receipt.answer, own.answer),
};
export type AskerPolicy = typeof ASKER_POLICY;

export interface AskerEnd {
  /** Id of the network's genesis block. */
  readonly genesis: Uint8Array;
  readonly policy: AskerPolicy;
}

export interface AskerState {
  readonly record: AskerRecord;
  readonly stream: number | undefined;
  /** Whether the provider has said `opened` on this stream. */
  readonly isOpen: boolean;
  /** Bytes of the current answer that came on this stream: a repeated answer begins anew. */
  readonly seen: number;
  /** On this stream the provider was told to end the answer: nothing is vouched for until it has. */
  readonly isStopped: boolean;
}
export const askerOf = (record: AskerRecord): AskerState => ({
  record,
  stream: undefined,
  isOpen: false,
  seen: 0,
  isStopped: false,
});

/** What a person or a program asks. */
export interface Asked extends Omit<Question, 'n'> {
  /** Bytes of a unit of the model's answers. */
  readonly unitBytes: number;
  /** Tokens of the input that are paid for apart. */
  readonly read: number;
}

export type AskerEvent =
  | { readonly type: 'ask'; readonly asked: Asked }
  | { readonly type: 'connected'; readonly stream: number; readonly peers: AskPeers }
  | { readonly type: 'frame'; readonly stream: number; readonly frame: ProviderFrame }
  | { readonly type: 'gone'; readonly stream: number }
  /** The person has read enough. */
  | { readonly type: 'stop' }
  /** What was stopped is wanted again, before its provider has ended it. */
  | { readonly type: 'goOn' }
  /** The rest of the limit is wanted back now. */
  | { readonly type: 'close' }
  /** The provider was convicted elsewhere: in another channel, or by an answer of it. */
  | { readonly type: 'convicted' }
  /** The head changed, or the process has started. */
  | { readonly type: 'chain' };

export type Told =
  | { readonly what: 'part'; readonly bytes: Uint8Array }
  | { readonly what: 'answered'; readonly answer: Uint8Array; readonly receipt: Receipt }
  /** The question did not go out. */
  | { readonly what: 'unaskable'; readonly code: Unaskable }
  | { readonly what: 'refused'; readonly code: AskCode; readonly least: bigint }
  | { readonly what: 'distrusted'; readonly code: Distrust }
  /** The channel is no more: its opening failed, or it was closed, or all is back. */
  | { readonly what: 'dropped' };

/** A frame but for its signature. */
export type AskerSays =
  | { readonly type: 'open'; readonly peers: AskPeers }
  | { readonly type: 'voucher'; readonly amount: bigint }
  | AskerFrameOf<'question' | 'stop' | 'close'>;

export type AskerEffect =
  | { readonly type: 'store'; readonly record: AskerRecord }
  | { readonly type: 'send'; readonly stream: number; readonly says: AskerSays }
  | { readonly type: 'drop'; readonly stream: number }
  | ({ readonly type: 'tell' } & Told)
  | { readonly type: 'forget'; readonly channel: Uint8Array };

type Turn = readonly [AskerState, readonly AskerEffect[]];

export function nextAsker(
  end: AskerEnd,
  state: AskerState,
  event: AskerEvent,
  view: ChannelView,
): Turn {
  const [after, effects] = handle(end, state, event, view);
  if (after.record === state.record) return [after, effects];
  return [after, [{ type: 'store', record: after.record }, ...effects]];
}

function handle(end: AskerEnd, state: AskerState, event: AskerEvent, view: ChannelView): Turn {
  switch (event.type) {
    case 'ask':
      return onAsk(end, state, event.asked, view);
    case 'connected':
      return onConnected(state, event);
    case 'frame':
      return event.stream === state.stream ? onFrame(end, state, event.frame) : [state, []];
    case 'gone':
      return event.stream === state.stream ? [offline(state), []] : [state, []];
    case 'stop':
      return onStop(state);
    case 'goOn':
      return [{ ...state, record: { ...state.record, isStopped: false } }, []];
    case 'close':
      return onClose(state);
    case 'convicted':
      return leave(state);
    case 'chain':
      // A channel whose opening failed is dropped like one that is over: the next question opens another.
      if (!view.isOver) return [state, []];
      return [
        state,
        [
          { type: 'forget', channel: state.record.channel },
          { type: 'tell', what: 'dropped' },
        ],
      ];
  }
}

const offline = (state: AskerState): AskerState => ({
  ...state,
  stream: undefined,
  isOpen: false,
  seen: 0,
  isStopped: false,
});
const say = ({ stream, isOpen }: AskerState, says: AskerSays): AskerEffect[] =>
  stream === undefined || !isOpen ? [] : [{ type: 'send', stream, says }];

function onAsk(
  { policy }: AskerEnd,
  state: AskerState,
  { unitBytes, read, ...asked }: Asked,
  view: ChannelView,
): Turn {
  const { record } = state;
  const refuse = (code: Unaskable): Turn => [state, [{ type: 'tell', what: 'unaskable', code }]];
  if (record.ended) return refuse('CHANNEL_CLOSED');
  if (policy.isEnding(view)) return refuse('CHANNEL_ENDING');
  if (isWaiting(record)) return refuse('QUESTION_BUSY');
  const before = receivedOf(record);
  const cost = costOf({ price: asked.price, read }, asked.most);
  if (before + cost > openingOf(record).limit || asked.most * unitBytes > REPLY_BYTES_MAX)
    return refuse('CHANNEL_SMALL');

  const question = { n: record.n + 1, ...asked };
  const current = { question, unitBytes, read, answer: new Uint8Array(), receipt: null };
  const asking = { ...record, before, n: question.n, current, isStopped: false };
  const next = { ...state, seen: 0, isStopped: false, record: asking };
  return [next, say(next, { type: 'question', ...question })];
}

function onConnected(
  state: AskerState,
  { stream, peers }: Extract<AskerEvent, { type: 'connected' }>,
): Turn {
  const dropped: AskerEffect[] =
    state.stream === undefined ? [] : [{ type: 'drop', stream: state.stream }];
  if (state.record.ended === DISTRUSTED)
    return [offline(state), [...dropped, { type: 'drop', stream }]];
  const says: AskerSays = { type: 'open', peers };
  return [{ ...offline(state), stream }, [...dropped, { type: 'send', stream, says }]];
}

function onFrame(end: AskerEnd, state: AskerState, frame: ProviderFrame): Turn {
  // Nothing counts before the provider has taken the channel, but that it does not.
  if (!state.isOpen && frame.type !== 'opened' && frame.type !== 'refused') return [state, []];
  switch (frame.type) {
    case 'opened':
      return state.isOpen ? [state, []] : onOpened({ ...state, isOpen: true });
    case 'part':
      return onPart(end, state, frame);
    case 'done':
      return onDone(end, state, frame);
    case 'refused':
      return onRefused(state, frame);
    case 'closing':
      return [ended(state), []];
  }
}

const ended = (state: AskerState): AskerState =>
  state.record.ended ? state : { ...state, record: { ...state.record, ended: 1 } };

/** Where either end died before, both go on from what they know: the highest voucher, and the question again. */
function onOpened(state: AskerState): Turn {
  const { record } = state;
  const effects = record.vouched > 0n ? say(state, voucherOf(record)) : [];
  const isStopped = isWaiting(record) && record.isStopped;
  if (isWaiting(record))
    effects.push(...say(state, { type: 'question', ...record.current!.question }));
  if (isStopped) effects.push(...say(state, { type: 'stop', n: record.n }));
  if (record.ended) effects.push(...say(state, { type: 'close' }));
  return [{ ...state, isStopped }, effects];
}

const voucherOf = ({ vouched }: AskerRecord): AskerSays => ({ type: 'voucher', amount: vouched });

/** The channel is used no further; what was vouched for stays the provider's. */
function leave(state: AskerState): Turn {
  const { record, stream } = state;
  if (record.ended === DISTRUSTED) return [state, []];
  const dropped: AskerEffect[] = stream === undefined ? [] : [{ type: 'drop', stream }];
  return [{ ...offline(state), record: { ...record, ended: DISTRUSTED } }, dropped];
}

function distrust(state: AskerState, code: Distrust): Turn {
  const [left, dropped] = leave(state);
  return [left, [{ type: 'tell', what: 'distrusted', code }, ...dropped]];
}

/** @param seen bytes of the answer that came on this stream before */
function partFault(
  current: AskerCurrent,
  { bytes, units }: ProviderFrameOf<'part'>,
  seen: number,
): Distrust | undefined {
  const { question, unitBytes, answer } = current;
  const end = seen + bytes.length;
  if (bytes.length % unitBytes !== 0 || end / unitBytes !== units) return 'PROVIDER_COUNT';
  if (units > question.most || bytes.length / unitBytes > stepOf(question.price))
    return 'PROVIDER_JUMP';
  const known = answer.subarray(seen, Math.min(end, answer.length));
  return equal(known, bytes.subarray(0, known.length)) ? undefined : 'PROVIDER_CHANGED';
}

function onPart(end: AskerEnd, state: AskerState, part: ProviderFrameOf<'part'>): Turn {
  const { record, seen } = state;
  const { current } = record;
  // What is on its way after a question ended.
  if (!current || current.receipt || part.n !== record.n) return [state, []];
  const wrong = end.policy.partFault(current, part, seen);
  if (wrong) return distrust(state, wrong);
  const after = { ...state, seen: seen + part.bytes.length };
  if (after.seen <= current.answer.length) return [after, []];

  const fresh = part.bytes.slice(current.answer.length - seen);
  const grown = { ...current, answer: concat(current.answer, fresh) };
  const received = { ...record, current: grown };
  const told: AskerEffect = { type: 'tell', what: 'part', bytes: fresh };
  if (!isStepOver(grown) || state.isStopped) return [{ ...after, record: received }, [told]];
  const vouched = end.policy.owed(received, part.units);
  const next = { ...after, record: { ...received, vouched } };
  return [next, [...say(next, voucherOf(next.record)), told]];
}

/** The last step is vouched for when its receipt has come. */
function isStepOver(current: AskerCurrent): boolean {
  const units = unitsOf(current);
  return units % stepOf(current.question.price) === 0 && units < current.question.most;
}

function onDone(end: AskerEnd, state: AskerState, frame: ProviderFrameOf<'done'>): Turn {
  const { record } = state;
  const { current } = record;
  if (!current || current.receipt || frame.receipt.n < record.n) return [state, []];
  // A repeated answer that is shorter than what had come before.
  if (state.seen < current.answer.length) return distrust(state, 'PROVIDER_CHANGED');
  const { receipt, signature } = frame;
  const isRight =
    end.policy.isOwn(receipt, ownReceipt(record, current)) &&
    end.policy.verify(receiptHash(end.genesis, receipt), signature, openingOf(record).provider);
  if (!isRight) return distrust(state, 'PROVIDER_RECEIPT');

  const vouched = end.policy.owed(record, unitsOf(current));
  const done = { ...current, receipt: { receipt, signature } };
  const next = { ...state, record: { ...record, vouched, current: done } };
  const paid = vouched > record.vouched ? say(next, voucherOf(next.record)) : [];
  const { answer } = current;
  return [next, [...paid, { type: 'tell', what: 'answered', answer, receipt }]];
}

function ownReceipt(record: AskerRecord, { question, answer }: AskerCurrent): Receipt {
  return {
    channel: record.channel,
    n: record.n,
    model: question.model,
    question: questionHash(question.salt, question.options, question.input),
    answer: answerHash(question.salt, answer),
    total: receivedOf(record),
  };
}

/** Codes after which the channel takes no other question. One that is too small for this may pay for a shorter one. */
const ENDS: ReadonlySet<AskCode> = new Set([
  'SIGNER_WRONG',
  'CHANNEL_CLOSED',
  'CHANNEL_ENDING',
  'QUESTION_ORDER',
]);
/** Codes that say nothing about the current question: its `done` follows, or it was about something else. */
const BESIDE: ReadonlySet<AskCode> = new Set([
  'MODEL_FAILED',
  'VOUCHER_STALE',
  'VOUCHER_HIGH',
  'VOUCHER_WRONG',
  'CHANNEL_REPLACED',
]);

/** Codes that pass by themselves: what came of an answer stays, and the rest is asked for on another stream. */
const PASSING: ReadonlySet<AskCode> = new Set([
  'PROVIDER_BUSY',
  'CHANNEL_UNKNOWN',
  'CHANNEL_SHALLOW',
]);

function onRefused(state: AskerState, { code, least }: ProviderFrameOf<'refused'>): Turn {
  const { record } = state;
  const told: AskerEffect = { type: 'tell', what: 'refused', code, least };
  const after = ENDS.has(code) ? ended(state) : state;
  if (BESIDE.has(code) || !isWaiting(record)) return [after, [told]];
  // Its number is free again where nothing came; else its answer stays as it is, and paid for so far.
  if (record.current!.answer.length) return [PASSING.has(code) ? after : ended(after), [told]];
  const next = { ...after.record, n: record.n - 1, current: null };
  return [{ ...after, record: next }, [told]];
}

/** What runs comes and is paid for; a provider that goes on all the same gets no further than its credit. */
function onStop(state: AskerState): Turn {
  const { record } = state;
  if (!isWaiting(record)) return [state, []];
  const said = say(state, { type: 'stop', n: record.n });
  return [{ ...state, isStopped: said.length > 0, record: { ...record, isStopped: true } }, said];
}

function onClose(state: AskerState): Turn {
  const next = ended(state);
  return [next, say(next, { type: 'close' })];
}
