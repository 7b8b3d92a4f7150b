import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signHash, voucherHash } from '../../src/core/channel.ts';
import { decode, encode } from '../../src/core/codec.ts';
import { SignedTx, Tx, type TxOf } from '../../src/core/formats.ts';
import { signTx, txBytes, txId, verifySignature } from '../../src/core/tx/tx.ts';
import { openKeys, payoutAddress } from '../../src/node/keys-file.ts';
import { openServingKeys } from '../../src/node/serving-file.ts';
import { keyFromEntropy } from '../../src/wallet/keys.ts';
import { unattendedContract } from '../contracts/unattended.contract.ts';
import { WRITTEN } from '../lib/written.ts';

const hash = (n: number) => new Uint8Array(32).fill(n);
const VLT = 1_000_000_000n;
const GENESIS = hash(9);
const other = keyFromEntropy(hash(77));
const payout = keyFromEntropy(hash(5)).address;
const code = (c: string) => expect.objectContaining({ code: c });

let folder: string;
let nowMs: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pila-serving-'));
  nowMs = 1e12;
});
afterEach(() => rm(folder, { recursive: true }));

const path = () => join(folder, 'serving.json');
const open = (payees: readonly Uint8Array[] = [payout]) =>
  openServingKeys({
    folder,
    network: 'local',
    genesisId: GENESIS,
    payees,
    now: () => nowMs,
  });

const base = { chainId: 3, from: other.publicKey, nonce: 0n, expiry: 99, fee: 1000n };
const openingOf = (change: Partial<TxOf<'channel'>>): TxOf<'channel'> => ({
  type: 'channel',
  ...base,
  provider: other.publicKey,
  payee: other.address,
  signer: other.publicKey,
  limit: VLT,
  lifetime: 100,
  ...change,
});

describe('the file of serving keys', () => {
  it('is made once, for its owner alone, and holds no other key of the node', async () => {
    const key = await (await open()).servingKey();
    // Before it is opened again, which closes it to others.
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect(await (await open()).servingKey()).toEqual(key);
    await (await open()).newSigner();
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    const { payout: secret } = await openKeys(folder);
    const text = await readFile(path(), 'utf8');
    expect(text).not.toContain(Buffer.from(secret).toString('hex'));
  });

  it.each(WRITTEN)('is read as a person edited it: %s', async (_, write) => {
    const key = await (await open()).servingKey();
    await (await open()).newSigner();
    const pretty = JSON.stringify(JSON.parse(await readFile(path(), 'utf8')), undefined, 2);
    await writeFile(path(), write(`${pretty}\n`));
    expect(await (await open()).servingKey()).toEqual(key);
  });

  const corruptions: [string, (good: any) => unknown][] = [
    ['nothing', () => ''],
    ['null', () => null],
    ['a missing key', ({ serving, ...rest }) => (void serving, rest)],
    ['a secret that is no key', (good) => ({ ...good, serving: '00'.repeat(32) })],
    ['a limit that is a number', (good) => ({ ...good, channelsLimit: 5 })],
    ['a limit over all amounts', (good) => ({ ...good, channelsLimit: `${1n << 64n}` })],
    ['no signers', ({ serving, channelsLimit }) => ({ serving, channelsLimit })],
    ['a payee that is no address', (good) => ({ ...good, payees: ['00'] })],
    ['too many signers', (good) => ({ ...good, signers: Array(73).fill(good.signers[0]) })],
    ['a signer without a secret', (good) => ({ ...good, signers: [{ channel: null }] })],
    [
      'a channel without an end',
      (good) => ({
        ...good,
        signers: [{ ...good.signers[0], channel: { id: '01'.repeat(32), limit: '1' } }],
      }),
    ],
  ];
  it.each(corruptions)('with %s in it is refused and left alone', async (_, corrupt) => {
    await (await open()).newSigner();
    const bad = corrupt(JSON.parse(await readFile(path(), 'utf8')));
    const text = typeof bad === 'string' ? bad : JSON.stringify(bad);
    await writeFile(path(), text);
    await expect(open()).rejects.toThrow(code('KEYS_CORRUPT'));
    expect(await readFile(path(), 'utf8')).toBe(text);
  });

  it('needs a folder that can be used', async () => {
    await writeFile(join(folder, 'file'), '');
    const under = { folder: join(folder, 'file', 'data'), genesisId: GENESIS };
    const opened = openServingKeys({ ...under, network: 'local', payees: [], now: () => nowMs });
    await expect(opened).rejects.toThrow(code('DATA_REFUSED'));
  });
});

unattendedContract('a node', async () => {
  let keys = await open();
  return {
    start: async () => (keys = await open()),
    open: (tx) => keys.noteOpening(tx),
    setLimit: (limit) => keys.setChannelsLimit(limit),
    passMs: (ms) => void (nowMs += ms),
    from: other.publicKey,
    payee: payout,
    genesis: GENESIS,
  };
});

describe('a node', () => {
  const closerOf =
    (keys: Awaited<ReturnType<typeof open>>, provider: Uint8Array) =>
    (opening: TxOf<'channel'>) => {
      const id = txId(GENESIS, opening);
      const voucher = signHash(voucherHash(GENESIS, id, VLT), other.secret);
      const close: TxOf<'close'> = {
        ...base,
        type: 'close',
        from: provider,
        channel: id,
        amount: VLT,
        voucher,
      };
      return keys.signClose(encode(Tx, close), txBytes(signTx(GENESIS, opening, other.secret)));
    };

  it('closes what pays its own address, and nothing else', async () => {
    const keys = await open();
    const provider = (await keys.servingKey())!;
    const closeOf = closerOf(keys, provider);
    const own = openingOf({ provider, payee: payout });
    expect(verifySignature(GENESIS, decode(SignedTx, await closeOf(own)))).toBe(true);
    const unnamed = payoutAddress(await openKeys(folder));
    for (const payee of [other.address, unnamed])
      await expect(closeOf(openingOf({ provider, payee }))).rejects.toThrow(
        code('CHANNEL_FOREIGN'),
      );
  });

  it('closes what pays an address of before, when another is to be paid', async () => {
    const provider = (await (await open()).servingKey())!;
    const opening = openingOf({ provider, payee: payout });
    await open([other.address]);
    const keys = await open([other.address]);
    const closed = closerOf(keys, provider)(opening);
    await expect(closed.then((tx) => verifySignature(GENESIS, decode(SignedTx, tx)))).resolves.toBe(
      true,
    );
    // However often it is moved, the file stays one that can be read.
    for (let n = 0; n < 40; n++) await open([hash(100 + n)]);
    expect(await (await open()).servingKey()).toEqual(provider);
  });

  it('says nothing of what it could not store', async () => {
    const keys = await open();
    await rm(folder, { recursive: true });
    await expect(keys.newSigner()).rejects.toThrow(code('DATA_REFUSED'));
    expect(await keys.channelsLimit()).toBe(10n * VLT);
    await expect(keys.setChannelsLimit(1n)).rejects.toThrow(code('DATA_REFUSED'));
    expect(await keys.channelsLimit()).toBe(10n * VLT);
    await open();
  });
});
