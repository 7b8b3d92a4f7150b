/** What programs give is judged before anything is done with it: types are gone when JavaScript runs. */
import type { ChatMessage } from '../client/api.ts';
import { AppError } from '../lib/errors.ts';

function demand(fits: boolean, wanted: string): asserts fits {
  if (!fits) throw new AppError('ARGUMENT_REFUSED', wanted);
}

/** @throws AppError ARGUMENT_REFUSED, as all below */
export function requireText(value: unknown, what: string): asserts value is string {
  demand(typeof value === 'string', `${what} is a text`);
}

export function requireOptions(value: unknown): asserts value is object {
  demand(typeof value === 'object' && value !== null, 'options are an object');
}

export function requireTexts(value: unknown): asserts value is readonly string[] {
  const isText = (each: unknown): boolean => typeof each === 'string';
  demand(
    Array.isArray(value) && value.every(isText),
    'what is asked is a text, or a list of texts',
  );
}

export function requireMessages(value: unknown): asserts value is readonly ChatMessage[] {
  const isMessage = (each: unknown): boolean => {
    const { role, content } = Object(each) as Record<string, unknown>;
    return typeof role === 'string' && typeof content === 'string';
  };
  demand(
    Array.isArray(value) && value.every(isMessage),
    'a conversation is a text, or a list of { role, content }',
  );
}

/** A model's name or id. */
export function requireName(value: unknown): asserts value is string | Uint8Array {
  demand(
    typeof value === 'string' || value instanceof Uint8Array,
    'a model is named by its name, or the bytes of its id',
  );
}

/** nV. */
export function requireAmount(value: unknown, what: string): asserts value is bigint {
  demand(typeof value === 'bigint', `${what} is in nV, a bigint`);
}

/** Of the time. */
export function requireShare(value: unknown): asserts value is number {
  demand(typeof value === 'number' && value >= 0 && value <= 1, 'a share is a number of 0 to 1');
}

/** More cores than any machine of a person has. */
const THREADS_MAX = 1024;

export function requireThreads(value: unknown): asserts value is number | undefined {
  const isCount = Number.isInteger(value) && Number(value) >= 1 && Number(value) <= THREADS_MAX;
  demand(value === undefined || isCount, `threads are a whole number of 1 to ${THREADS_MAX}`);
}
