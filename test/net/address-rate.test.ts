import { expect, it } from 'vitest';
import {
  ADDRESS_RATE,
  AddressRate,
  AddressShare,
  isLoopback,
  networkOf,
} from '../../src/net/address-rate.ts';

const nobody = () => false;

const drain = (rate: AddressRate, address: string, nowMs = 0) => {
  for (let i = 0; i < ADDRESS_RATE.burst; i++) expect(rate.take(address, nowMs)).toBe(true);
};

it('an address has its burst, then its rate; another is not touched', () => {
  const rate = new AddressRate(nobody);
  drain(rate, '1.2.3.4');
  expect(rate.take('1.2.3.4', 0)).toBe(false);
  expect(rate.take('::ffff:1.2.3.4', 0)).toBe(false);
  expect(rate.take('1.2.3.5', 0)).toBe(true);
  for (let i = 0; i < ADDRESS_RATE.perSecond; i++) expect(rate.take('1.2.3.4', 1000)).toBe(true);
  expect(rate.take('1.2.3.4', 1000)).toBe(false);
});

it('an IPv6 network of 56 bits is one address, however it is written', () => {
  const rate = new AddressRate(nobody);
  drain(rate, '2001:db8::1');
  for (const same of [
    '2001:DB8:0:0:5:6:7:8',
    '2001:0db8:0000::9',
    '2001:db8:0:ff::',
    '2001:db8::%eth0',
  ])
    expect(rate.take(same, 0)).toBe(false);
  expect(rate.take('2001:db8:0:100::1', 0)).toBe(true);
});

it.each([
  ['1.2.3.4', '1.2.3.4'],
  ['::ffff:1.2.3.4', '1.2.3.4'],
  ['::FFFF:102:304', '1.2.3.4'],
  ['0:0:0:0:0:ffff:102:304', '1.2.3.4'],
  ['::1', '0:0:0:0'],
  ['2001:db8:12:3456:7:8:9:a', '2001:db8:12:3400'],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

it('an address that stands for many is not limited; a private one is, unless that is said of it', () => {
  const rate = new AddressRate(isLoopback);
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '::1']) {
    drain(rate, address);
    expect(rate.take(address, 0)).toBe(true);
  }
  expect(rate.take(undefined, 0)).toBe(true);
  drain(rate, '192.168.1.1');
  expect(rate.take('192.168.1.1', 0)).toBe(false);
});

it('an address holds so many places, and those that it gave back, once each', () => {
  const share = new AddressShare(2, isLoopback);
  const first = share.take('1.2.3.4')!;
  share.take('1.2.3.4');
  expect(share.take('1.2.3.4')).toBeUndefined();
  expect(share.take('1.2.3.5')).toBeDefined();
  first();
  first();
  expect(share.take('1.2.3.4')).toBeDefined();
  expect(share.take('1.2.3.4')).toBeUndefined();
  for (let i = 0; i < 3; i++) expect(share.take('127.0.0.1')).toBeDefined();
});
