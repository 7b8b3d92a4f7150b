/** Codes as sentences. */
import type { Text } from './i18n/en.ts';

export function sentenceOfError({ code, message }: { code: string; message: string }, t: Text) {
  const sentence = t.errors[code as keyof Text['errors']] ?? t.errors.INTERNAL;
  // The fault's code travels as the message.
  const why = code === 'TX_REFUSED' ? t.forms[message as keyof Text['forms']] : undefined;
  return why ? `${sentence} ${why}` : sentence;
}

export function sentenceOfReason(reason: string, t: Text): string {
  const { unknown, ...known } = t.reasons;
  return known[reason as keyof typeof known] ?? unknown(reason);
}
