/** What one network must not share with another. */
import { expect, test } from 'vitest';
import { createParams, NETWORK_NAMES } from '../../src/core/params.ts';

const networks = NETWORK_NAMES.map((name) => createParams(name, []));

test('each network has its own name and its own chain id', () => {
  expect(networks.map(({ network }) => network)).toEqual(NETWORK_NAMES);
  expect(new Set(networks.map(({ chainId }) => chainId)).size).toBe(networks.length);
});

test('an address with coins that are worth something is of no network whose coins are not', () => {
  const prefixesOf = (isTrial: boolean) =>
    networks.filter((one) => one.isTrial === isTrial).map(({ prefix }) => prefix);
  expect(prefixesOf(true).filter((prefix) => prefixesOf(false).includes(prefix))).toEqual([]);
});
