import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLog, formatLine } from '../../src/lib/log.ts';

const timeMs = Date.UTC(2026, 0, 31, 10);

test('a line has time, level, event and the named fields', () => {
  const lines: string[] = [];
  const log = createLog(
    (line) => lines.push(line),
    'info',
    () => timeMs,
  ).with({ peer: '12D3' });
  log.debug('dropped');
  log.info('peer.joined');
  log.warn('peer.banned', {
    reason: 'bad proof',
    score: 100,
    work: 5n,
    kept: false,
    at: undefined,
  });
  expect(lines).toEqual([
    '2026-01-31T10:00:00.000Z info peer.joined peer=12D3',
    '2026-01-31T10:00:00.000Z warn peer.banned peer=12D3 reason="bad proof" score=100 work=5 kept=false',
  ]);
});

test('objects and bytes are no fields', () => {
  const log = createLog(() => {});
  // @ts-expect-error bytes may be a key
  log.info('x', { secret: new Uint8Array(32) });
  // @ts-expect-error an object may hold one
  log.info('x', { vault: {} });
});

test('nothing a peer chooses breaks the line or drives the terminal', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
      const line = formatLine(timeMs, 'error', text, { text });
      expect(line).not.toMatch(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u);
      expect(line.length).toBeLessThan(6 * 2 * 300);
    }),
  );
  expect(formatLine(timeMs, 'info', 'x', { text: 'a'.repeat(999) }).length).toBeLessThan(320);
});
