/** Whose call it is, with and without proxies. */
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createCallers, isRange, LOOPBACK_RANGES } from '../../../src/node/http/caller.ts';

const callerOf = (trusted: readonly string[], remoteAddress: string, forwarded?: string): string =>
  createCallers(trusted).of({
    socket: { remoteAddress },
    headers: { 'x-forwarded-for': forwarded },
  } as unknown as IncomingMessage);

describe('the caller', () => {
  it.each([
    ['1.2.3.4', undefined, '1.2.3.4'],
    ['1.2.3.4', '9.9.9.9', '1.2.3.4'],
    ['::ffff:1.2.3.4', '9.9.9.9', '1.2.3.4'],
    ['127.0.0.1', '9.9.9.9', '9.9.9.9'],
    ['::ffff:127.0.0.1', 'forged, 9.9.9.9', '9.9.9.9'],
    ['::1', '8.8.8.8, 9.9.9.9', '9.9.9.9'],
    ['127.0.0.1', '2001:db8::1', '2001:db8::1'],
    ['127.0.0.1', '::ffff:9.9.9.9', '9.9.9.9'],
    ['::1', undefined, '::1'],
    ['127.0.0.1', 'unknown', '127.0.0.1'],
    ['127.0.0.1', '9.9.9.9, unknown', '127.0.0.1'],
    ['127.0.0.1', '8.8.8.8, 9.9.9.9:5678', '9.9.9.9'],
    ['127.0.0.1', '[2001:db8::1]:443', '2001:db8::1'],
    ['127.0.0.1', '[2001:db8::1]', '2001:db8::1'],
  ])('at %s, forwarded for %s, counts as %s', (remoteAddress, forwarded, told) => {
    expect(callerOf(LOOPBACK_RANGES, remoteAddress, forwarded)).toBe(told);
  });

  it.each([
    [[], '127.0.0.1', '9.9.9.9', '127.0.0.1'],
    [['10.88.0.0/16'], '10.88.0.1', '9.9.9.9', '9.9.9.9'],
    [['10.88.0.0/16'], '10.89.0.1', '9.9.9.9', '10.89.0.1'],
    [['10.0.0.0/8', '2001:db8::/32'], '10.0.0.1', '7.7.7.7, 9.9.9.9, 2001:db8::5', '9.9.9.9'],
    [['10.0.0.0/8'], '10.0.0.1', '10.0.0.2, 10.0.0.3', '10.0.0.2'],
    [['10.0.0.1'], '10.0.0.1', '10.0.0.2', '10.0.0.2'],
  ])('where %j is trusted, at %s, forwarded for %s, counts as %s', (trusted, at, by, told) => {
    expect(callerOf(trusted, at, by)).toBe(told);
  });

  it('is one of many in a trusted range, and there alone', () => {
    const { standsForMany } = createCallers(['10.0.0.0/8', 'fd00::/8']);
    const all = ['10.1.2.3', '::ffff:10.1.2.3', 'fd00::1', '11.1.2.3', '127.0.0.1', '::1', 'x', ''];
    expect(all.filter(standsForMany)).toEqual(['10.1.2.3', '::ffff:10.1.2.3', 'fd00::1']);
  });
});

it.each([
  ['10.0.0.0/8', true],
  ['10.0.0.1', true],
  ['::1/128', true],
  ['10.0.0.0/33', false],
  ['::/129', false],
  ['10.0.0.0/', false],
  ['10.0.0.0/8/8', false],
  ['10.0.0.0/x', false],
  ['proxy', false],
  ['', false],
])('%j is a range: %j', (text, is) => {
  expect(isRange(text)).toBe(is);
});
