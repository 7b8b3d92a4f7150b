/** The history as a table for spreadsheets. Pure. */
import type { AccountEntry } from '../../../client/api.ts';
import { addressOf, formatAddress } from '../../../core/address.ts';
import { amountOf, spentBy } from '../../../core/tx/tx.ts';
import { equal } from '../../../lib/bytes.ts';
import { formatAmount } from '../../../wallet/amount.ts';
import { plainText } from '../../../wallet/plain-text.ts';
import { historyLine } from './activity.ts';
import { historyKindOf, type LineKind } from './kinds.ts';
import type { KeyringText } from '../../i18n/en/keyring.ts';
import { csvText, decimalMark, quoted, textField } from '../../kit/spreadsheet.ts';

export interface CsvContext {
  readonly locale: string;
  readonly prefix: string;
  /** Address of the account. */
  readonly mine: Uint8Array;
  readonly words: KeyringText['csv'];
  readonly kinds: Readonly<Record<LineKind, string>>;
  /** ms of a block, where its header is known. */
  readonly timeOf: (height: number) => number | undefined;
}

/** Oldest last, as given. */
export function csvOf(entries: readonly AccountEntry[], context: CsvContext): string {
  const { locale, words: w } = context;
  const mark = decimalMark(locale);
  const titles = [w.time, w.block, w.kind, w.change, w.fee, w.other, w.memo, w.id];
  const rows = entries.map((entry) => rowOf(entry, context, mark));
  return csvText([titles.map(textField), ...rows], locale);
}

function rowOf(entry: AccountEntry, context: CsvContext, mark: '.' | ','): string[] {
  const { mine, prefix, kinds, timeOf } = context;
  const { tx } = entry.tx;
  const line = historyLine(entry, mine);
  const timeMs = timeOf(entry.position.height);
  const isMine = equal(addressOf(tx.from), mine);
  const memo = plainText(new TextDecoder().decode(historyKindOf(tx).memo(tx)));
  const amount = (nV: bigint) => quoted(formatAmount(nV, mark));
  return [
    timeMs === undefined ? '' : new Date(timeMs).toISOString().slice(0, 19).replace('T', ' '),
    String(entry.position.height),
    textField(kinds[line.kind]),
    line.amount === undefined ? '' : amount(line.amount),
    amount(isMine ? spentBy(tx) - amountOf(tx) : 0n),
    line.other ? formatAddress(line.other, prefix) : '',
    textField(memo),
    line.id,
  ];
}
