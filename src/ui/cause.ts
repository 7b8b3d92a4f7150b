/**
 * The true cause of a failure, where what failed could not know it: a page that came by http, a browser
 * that refuses storage, a file of a build that the server has replaced. Asked once, where the engine's
 * answers reach the page, so that every screen says the same.
 */
import type { ErrorCode } from '../lib/error-codes.ts';
import { AppError } from '../lib/errors.ts';

/** What the browser says of this page. */
export interface Surroundings {
  readonly isSecure: boolean;
  /** Site data is blocked: every kind of storage, and locks. */
  readonly isBlocked: boolean;
}

export const surroundings = (): Surroundings => ({
  // Not so only where a browser says it.
  isSecure: globalThis.isSecureContext !== false,
  isBlocked: isBlocked(),
});

function isBlocked(): boolean {
  try {
    void globalThis.localStorage;
    return false;
  } catch {
    return true;
  }
}

/** Codes that say what failed and not why. */
const VAGUE: readonly ErrorCode[] = [
  'INTERNAL',
  'BROWSER_OLD',
  'WORKER_DIED',
  'STORE_FAILED',
  'STORAGE_FAILED',
];
/** What browsers say of a module that did not come; the last is of a worker whose file did not. */
const NOT_FETCHED =
  /dynamically imported module|Importing a module script failed|error loading|^the worker failed$/i;

export function trueCause(error: unknown, around: Surroundings = surroundings()): AppError {
  const found = AppError.from(error);
  if (!VAGUE.includes(found.code)) return found;
  const as = (code: ErrorCode) => new AppError(code, found.message, { cause: error });
  if (!around.isSecure) return as('PAGE_INSECURE');
  if (around.isBlocked) return as('STORAGE_FAILED');
  return NOT_FETCHED.test(found.message) ? as('SCREEN_MISSING') : found;
}
