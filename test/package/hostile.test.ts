/** What programs give wrongly, or too late: each call ends, with a code. A real peer, that meets nobody. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { formatAddress } from '../../src/core/address.ts';
import { createPila, type ClientConfig, type Pila } from '../../src/node/pila.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const network: ClientConfig = { network: 'e2e', bootstrap: [], genesis: undefined };
const payTo = formatAddress(new Uint8Array(32).fill(9), 'rpila');
/** JavaScript has no types. */
const wrong = (value: unknown): never => value as never;
const read = async (values: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of values);
};
let pila: Pila;

beforeAll(async () => {
  pila = await createPila({ network });
});
afterAll(() => pila.stop());

it('a peer is not made of what is no configuration', async () => {
  const made = async (options: unknown) => createPila(wrong(options));
  for (const options of [undefined, null, 5, { network, threads: 0 }, { network, threads: NaN }])
    await expect(made(options)).rejects.toMatchObject({ code: 'ARGUMENT_REFUSED' });
  await expect(made({ network, channelsLimit: 5 })).rejects.toMatchObject({
    code: 'ARGUMENT_REFUSED',
  });
  for (const other of [undefined, null, 5, {}, { network: 'e2e', bootstrap: 5 }])
    await expect(made({ network: other })).rejects.toMatchObject({ code: 'CONFIG_MALFORMED' });
  for (const key of [null, 5, '', new Uint8Array(31)])
    await expect(made({ network, key })).rejects.toMatchObject({ code: 'KEY_MALFORMED' });
});

it('arguments of another type are refused with a code, whatever they are', async () => {
  const calls: [string, () => unknown][] = [];
  const others = { null: null, number: 5, object: {}, list: [5], flag: true, call: () => 'x' };
  for (const [kind, value] of Object.entries(others)) {
    calls.push(
      [`run model ${kind}`, () => pila.run(wrong(value), 'x')],
      [`run text ${kind}`, () => pila.run('tiny', wrong(value))],
      [`embed model ${kind}`, () => pila.embed('x', wrong(value))],
      [`fetchModel ${kind}`, () => pila.fetchModel(wrong(value))],
      [`balance ${kind}`, () => pila.balance(wrong(value))],
      [`mine share ${kind}`, () => pila.mine({ payTo, share: wrong(value) })],
      [`mine payTo ${kind}`, () => pila.mine({ payTo: wrong(value) })],
      [`chat model ${kind}`, () => pila.chat('x', { model: wrong(value) }).whole()],
    );
  }
  for (const value of [null, 5, 'x'])
    calls.push(
      [`chat options ${value}`, () => pila.chat('x', wrong(value)).whole()],
      [`mine options ${value}`, () => pila.mine(wrong(value))],
    );
  for (const share of [NaN, -1, 2, Infinity, '1'])
    calls.push([`share ${share}`, () => pila.mine({ payTo, share: wrong(share) })]);
  calls.push(['run model undefined', () => pila.run(wrong(undefined), 'x')]);
  for (const [name, call] of calls)
    await expect((async () => await call())(), name).rejects.toMatchObject({
      code: 'ARGUMENT_REFUSED',
    });
});

it('once it was stopped, twice, every loop is over and every call says so', async () => {
  const one = await createPila({ network });
  const mining = one.mine({ payTo, backend: 'cpu' });
  // Nobody gives it a model.
  const loops = [read(one.events()), read(mining).catch(() => undefined)];
  const syncing = one.synced();
  syncing.catch(() => undefined);
  await one.stop();
  await one.stop();
  await Promise.all(loops);
  await mining.stop();
  await read(one.events());
  await expect(syncing).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  const calls: (() => unknown)[] = [
    () => one.run('tiny', 'x'),
    () => one.models(),
    () => one.fetchModel('tiny'),
    () => one.chat('x').whole(),
    () => one.balance(payTo),
    () => one.synced(),
    () => one.closeChannels(),
    () => one.verify('00'),
    () => read(one.mine({ payTo })),
    () => one.client.status(),
  ];
  for (const call of calls)
    await expect((async () => await call())()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
});
