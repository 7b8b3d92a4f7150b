/** An account's lines as a table for spreadsheets, whose changes add up to the balance. Pure. */
import type { Balance } from '../../../client/api.ts';
import { formatAddress } from '../../../core/address.ts';
import { toHex } from '../../../lib/bytes.ts';
import { formatAmount } from '../../../wallet/amount.ts';
import { plainText } from '../../../wallet/plain-text.ts';
import { historyKindOf } from './kinds.ts';
import { sumOf, type ChannelFate, type LedgerLine } from './ledger.ts';
import type { HistoryText } from '../../i18n/en/history.ts';
import type { KeyringText } from '../../i18n/en/keyring.ts';
import { csvText, decimalMark, quoted, textField } from '../../kit/spreadsheet.ts';

export interface CsvContext {
  readonly locale: string;
  readonly prefix: string;
  /** Of the account as the lines' last block left it. */
  readonly balance: Pick<Balance, 'spendable' | 'immature' | 'provenAt'>;
  readonly words: KeyringText['csv'];
  readonly history: Pick<HistoryText, 'channel' | 'least' | 'unknown'>;
  readonly kinds: Readonly<Record<LedgerLine['kind'], string>>;
  /** Name of a contact; '' where there is none. */
  readonly nameOf: (address: Uint8Array) => string;
  /** The person's own note on a line, by its id; '' where there is none. */
  readonly noteOf: (id: string) => string;
}

/**
 * Oldest last, as given. What the lines do not explain of the balance, because some of them are not here or not proven,
 * is a row of its own that says so.
 */
export function csvOf(lines: readonly LedgerLine[], context: CsvContext): string {
  const { locale, words: w, balance } = context;
  const mark = decimalMark(locale);
  const titles = [
    ...[w.time, w.block, w.kind, w.change, w.fee, w.other, w.name],
    ...[w.memo, w.own, w.remark, w.id],
  ];
  const rest = balance.spendable + balance.immature - sumOf(lines);
  const rows = lines.map((line) => rowOf(line, context, mark));
  const last = rest === 0n ? [] : [restRow(rest, context, mark)];
  return csvText([titles.map(textField), ...rows, ...last], locale);
}

const timeField = (timeMs: number): string =>
  new Date(timeMs).toISOString().slice(0, 19).replace('T', ' ');

function rowOf(line: LedgerLine, context: CsvContext, mark: '.' | ','): string[] {
  const { prefix, kinds, history, nameOf, noteOf } = context;
  const { tx, amount, other, channel, fee } = line;
  const memo = tx && historyKindOf(tx).memo(tx);
  const coins = (nV: bigint) => quoted(formatAmount(nV, mark));
  const remarks = [
    ...(channel ? [fateOf(channel, history, mark)] : []),
    ...(line.isProven ? [] : [line.kind === 'block' ? history.least : history.unknown]),
  ];
  return [
    timeField(line.timeMs),
    String(line.height),
    textField(kinds[line.kind]),
    amount === undefined ? '' : coins(amount),
    coins(fee),
    other ? formatAddress(other, prefix) : '',
    textField(other ? nameOf(other) : ''),
    textField(memo ? plainText(new TextDecoder().decode(memo)) : ''),
    textField(noteOf(line.id)),
    textField(remarks.join('; ')),
    line.id,
  ];
}

const fateOf = (
  { limit, spent = 0n, state }: ChannelFate,
  history: CsvContext['history'],
  mark: '.' | ',',
): string => history.channel[state](formatAmount(limit, mark), formatAmount(spent, mark));

function restRow(
  rest: bigint,
  { words: w, balance: { provenAt } }: CsvContext,
  mark: '.' | ',',
): string[] {
  const change = quoted(formatAmount(rest, mark));
  const [time, height] = [timeField(provenAt.timeMs), String(provenAt.height)];
  const blanks = ['', '', '', '', ''];
  return [
    time,
    height,
    textField(w.rest),
    change,
    ...blanks,
    textField(w.restWhy),
    toHex(provenAt.id),
  ];
}
