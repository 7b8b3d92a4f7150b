/** The client's API: a method that no proxy names can't be called from a page. */
import { expect, test } from 'vitest';
import { CLIENT_METHODS } from '../../src/client/api.ts';
import { MemoryEngine } from '../ui/memory-engine.ts';

test('proxies name every method once', () => {
  // A whole ClientApi, or it would not compile.
  const methods = Object.keys(new MemoryEngine().client);
  expect([...CLIENT_METHODS].sort()).toEqual(methods.sort());
});
