import { expect, it } from 'vitest';
import { ADDRESS_RATE, AddressRate } from '../../src/net/address-rate.ts';

const drain = (rate: AddressRate, address: string, nowMs = 0) => {
  for (let i = 0; i < ADDRESS_RATE.burst; i++) expect(rate.take(address, nowMs)).toBe(true);
};

it('an address has its burst, then its rate; another is not touched', () => {
  const rate = new AddressRate();
  drain(rate, '1.2.3.4');
  expect(rate.take('1.2.3.4', 0)).toBe(false);
  expect(rate.take('::ffff:1.2.3.4', 0)).toBe(false);
  expect(rate.take('1.2.3.5', 0)).toBe(true);
  for (let i = 0; i < ADDRESS_RATE.perSecond; i++) expect(rate.take('1.2.3.4', 1000)).toBe(true);
  expect(rate.take('1.2.3.4', 1000)).toBe(false);
});

it('an IPv6 network of 64 bits is one address, however it is written', () => {
  const rate = new AddressRate();
  drain(rate, '2001:db8::1');
  for (const same of ['2001:DB8:0:0:5:6:7:8', '2001:0db8:0000::9', '2001:db8:0:0::'])
    expect(rate.take(same, 0)).toBe(false);
  expect(rate.take('2001:db8:0:1::1', 0)).toBe(true);
});

it('private addresses, which stand for many, are not limited', () => {
  const rate = new AddressRate();
  for (const address of ['127.0.0.1', '::1', '10.0.0.1', '172.16.0.1', '192.168.1.1', 'fd00::1']) {
    drain(rate, address);
    expect(rate.take(address, 0)).toBe(true);
  }
  expect(rate.take(undefined, 0)).toBe(true);
  drain(rate, '172.15.0.1');
  expect(rate.take('172.15.0.1', 0)).toBe(false);
});
