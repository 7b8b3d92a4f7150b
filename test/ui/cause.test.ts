import { expect, it } from 'vitest';
import { AppError } from '../../src/lib/errors.ts';
import { trueCause } from '../../src/ui/cause.ts';

const WELL = { isSecure: true, isBlocked: false };
const HTTP = { isSecure: false, isBlocked: false };
const BLOCKED = { isSecure: true, isBlocked: true };
const denied = new DOMException('Access to the Locks API is denied', 'SecurityError');
const gone = new TypeError(
  'Failed to fetch dynamically imported module: http://x/assets/page-1.js',
);

it.each([
  ['a bug', new Error('oops'), WELL, 'INTERNAL'],
  ['a bug, over http', new Error('oops'), HTTP, 'PAGE_INSECURE'],
  ['no locks, over http', new AppError('BROWSER_OLD', 'no Web Locks'), HTTP, 'PAGE_INSECURE'],
  ['no locks', new AppError('BROWSER_OLD', 'no Web Locks'), WELL, 'BROWSER_OLD'],
  ['locks that are denied', denied, BLOCKED, 'STORAGE_FAILED'],
  ['a database that is denied', new AppError('STORE_FAILED', ''), BLOCKED, 'STORAGE_FAILED'],
  ['a chunk of Chromium that is gone', gone, WELL, 'SCREEN_MISSING'],
  [
    'one of Firefox',
    new TypeError('error loading dynamically imported module: x'),
    WELL,
    'SCREEN_MISSING',
  ],
  ['one of Safari', new TypeError('Importing a module script failed.'), WELL, 'SCREEN_MISSING'],
  [
    'a worker whose file is gone',
    new AppError('WORKER_DIED', 'the worker failed'),
    WELL,
    'SCREEN_MISSING',
  ],
  ['a worker that died', new AppError('WORKER_DIED', 'out of memory'), WELL, 'WORKER_DIED'],
  ['what is known, over http', new AppError('PASSPHRASE_WRONG', ''), HTTP, 'PASSPHRASE_WRONG'],
])('%s has its true cause', (_, error, around, code) => {
  expect(trueCause(error, around).code).toBe(code);
});
