/** Codes as sentences. Codes come from outside: only a table's own entries count. */
import type { Text } from './en/app.ts';

const entry = (table: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

export function sentenceOfError(
  { code, message }: { code: string; message: string },
  t: Text,
): string {
  const sentence = entry(t.errors, code) ?? entry(t.forms, code) ?? t.errors.INTERNAL;
  // The fault's code travels as the message.
  const why = code === 'TX_REFUSED' ? entry(t.forms, message) : undefined;
  return why ? `${sentence} ${why}` : sentence;
}

export function sentenceOfReason(reason: string, t: Text): string {
  const { unknown, noGpu: _, ...known } = t.reasons;
  return entry(known, reason) ?? unknown(reason);
}
