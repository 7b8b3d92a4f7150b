/** A seed's data folder of the last build before channels, opened by this one. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startSeed } from '../../e2e/support/seed.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { peerIdOfKey } from '../../src/net/peer-key.ts';
import { openKeys, payoutAddress } from '../../src/node/keys-file.ts';
import { unpack } from './packed.ts';

const data = mkdtempSync(join(tmpdir(), 'pila-migration-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));

/** Lines of this start that say that the chain begins anew. */
async function start(): Promise<string[]> {
  const seed = await startSeed({ network: 'e2e', data, args: ['--mine'] });
  try {
    const mined = async () => (await seed.rpc('getHeader', 1).catch(() => undefined))?.miner;
    const keys = await openKeys(data);
    await expect.poll(mined, { timeout: 60_000 }).toBe(toHex(payoutAddress(keys)));
    const { bootstrap } = await (await fetch(`${seed.url}config.json`)).json();
    expect(bootstrap[0]).toContain(peerIdOfKey(keys.peer));
    return seed.log.filter((line) => line.includes('chain.anew'));
  } finally {
    await seed.kill();
  }
}

test('begins its chain anew and says so once; its keys stay', { timeout: 180_000 }, async () => {
  unpack(join(import.meta.dirname, 'seed.br'), data);
  const keys = readFileSync(join(data, 'keys.json'), 'utf8');
  expect(await start()).toEqual([expect.stringContaining('begins anew. Keys and settings stay.')]);
  expect(readFileSync(join(data, 'keys.json'), 'utf8')).toBe(keys);
  expect(await start()).toEqual([]);
});
