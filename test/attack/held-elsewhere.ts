/** Rules that no block of a short chain can break, and the tests that hold them. */
import type { FaultCode } from '../../src/core/faults.ts';

export const HELD_ELSEWHERE: Partial<Record<FaultCode, string>> = {
  // 7,680 blocks ahead of their time: a chain that nobody can mine, of headers alone.
  'header.too-soon': 'test/chain/light-chain.test.ts',
  // All coins together stay far below 2^64: nobody has a balance that could make another overflow.
  'tx.overflow': 'test/core',
};
