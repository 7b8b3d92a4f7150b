import { hasErrorCodeForm, type ErrorCode } from './error-codes.ts';

/** The outside world failed, or a person gave bad input: its code can be mapped to words by screens and tools. */
export class AppError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AppError';
    this.code = code;
  }

  static from(e: unknown): AppError {
    if (e instanceof AppError) return e;
    const message = e instanceof Error ? e.message : String(e);
    return new AppError('INTERNAL', message, { cause: e });
  }

  toJSON(): { code: ErrorCode; message: string } {
    return { code: this.code, message: this.message };
  }
}

/** An error that another thread, tab or process sent, perhaps of another version; INTERNAL if it has no code. */
export function readError({ code, message }: { code: unknown; message: unknown }): AppError {
  if (hasErrorCodeForm(code)) return new AppError(code, String(message));
  return new AppError('INTERNAL', `${code}: ${message}`);
}

/** Throws on a bug; the error is caught only at the edge of a worker or a process. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
