/** Codes as sentences of a language. */
import type { ErrorCode } from '../../lib/error-codes.ts';
import type { Text } from './en/app.ts';

/** Only a table's own entries count: a code may be one that another version sent. */
const entry = (table: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

/** Codes whose sentence ends with what the message says. */
const ENDS_WITH_MESSAGE: readonly ErrorCode[] = ['INPUT_CONTROL', 'BUILT_ON_FALSE'];

/** Whether the code has a sentence of its own: if not, the code itself is all that can be told. */
export const hasSentence = (code: ErrorCode, t: Text): boolean =>
  code !== 'INTERNAL' && (entry(t.errors, code) ?? entry(t.forms, code)) !== undefined;

/** What went wrong and what the person can do; a bug's sentence for a code that has none. */
export function sentenceOfError(
  { code, message }: { code: ErrorCode; message: string },
  t: Text,
): string {
  const sentence = entry(t.errors, code) ?? entry(t.forms, code) ?? t.errors.INTERNAL;
  // The fault's code travels as the message.
  const why = code === 'TX_REFUSED' ? entry(t.forms, message) : undefined;
  // So does the word that has to be written otherwise, or a number.
  const what = ENDS_WITH_MESSAGE.includes(code) ? message : undefined;
  return [sentence, why ?? what].filter(Boolean).join(' ');
}

/** Why a unit was thrown away; a reason that we do not know is shown as it is. */
export function sentenceOfReason(reason: string, t: Text): string {
  const { unknown, noGpu: _, ...known } = t.reasons;
  return entry(known, reason) ?? unknown(reason);
}
