/** What both entries of the package give beside `createPila`: all that their types name, too. */
export { cosine } from '../core/reading.ts';
export { AppError } from '../lib/errors.ts';
export { ERROR_CODES } from '../lib/error-codes.ts';
export { fromHex, toHex } from '../lib/bytes.ts';
export { formatAmount, parseAmount } from '../wallet/amount.ts';
export type * from '../client/api.ts';
export type { Outlook } from '../chain/shared/outlook.ts';
export type { NetworkName } from '../core/params.ts';
export type { Embedding, Reading } from '../core/reading.ts';
export type { ErrorCode } from '../lib/error-codes.ts';
export type { AnsweringStatus, Inexact, ShownBackend } from '../miner/engine/miner-api.ts';
export type { Finish } from '../miner/generator/answer.ts';
export type { Choosing } from '../miner/generator/options.ts';
export type { Link, Origin, Traffic } from '../net/transport.ts';
export type { DecimalMark } from '../wallet/amount.ts';
export type { Answer } from './answer.ts';
export type { ChatOptions, Chatted, ModelsHere, Row } from './models-here.ts';
export type {
  AskOptions,
  Bought,
  ChannelOptions,
  Paid,
  Verified,
  VerifyOptions,
} from './paid-api.ts';
export type { Payment, Pila, PilaEvent, PilaOptions } from './pila-api.ts';
export type { MineOptions, Mining } from './work.ts';
