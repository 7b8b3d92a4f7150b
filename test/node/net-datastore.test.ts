import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LevelDatastore } from 'datastore-level';
import { Key } from 'interface-datastore';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLevelStore } from '../../src/chain/store/level-store.ts';
import type { Store } from '../../src/chain/store/store.ts';
import { utf8 } from '../../src/lib/bytes.ts';
import { NetDatastore } from '../../src/node/seed/net-datastore.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pila-net-'));
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});
async function open(): Promise<NetDatastore> {
  const net = new NetDatastore((store = await createLevelStore(folder)));
  await net.open();
  return net;
}

const list = async (from: LevelDatastore, prefix?: string): Promise<string[]> => {
  const found: string[] = [];
  for await (const { key, value } of from.query(prefix === undefined ? {} : { prefix }))
    found.push(`${key.toString()}=${new TextDecoder().decode(value)}`);
  return found;
};

describe("libp2p's datastore in a store", () => {
  it('gives what was put, one by one and in batches, and what has a prefix', async () => {
    const net = await open();
    const [a, b, other] = [new Key('/items/a'), new Key('/items/b'), new Key('/other/c')];
    await net.put(a, utf8('1'));
    const batch = net.batch();
    batch.put(b, utf8('2'));
    batch.put(other, utf8('3'));
    await batch.commit();
    expect(await net.get(b)).toEqual(utf8('2'));
    expect([await net.has(a), await net.has(new Key('/items/c'))]).toEqual([true, false]);
    await expect(net.get(new Key('/items/c'))).rejects.toMatchObject({ name: 'NotFoundError' });
    expect(await list(net, '/items/')).toEqual(['/items/a=1', '/items/b=2']);
    await net.delete(a);
    expect(await list(net)).toEqual(['/items/b=2', '/other/c=3']);
    const keys: string[] = [];
    for await (const key of net.queryKeys({ prefix: '/items' })) keys.push(key.toString());
    expect(keys).toEqual(['/items/b']);
  });

  it('lists more than it reads at once', async () => {
    const net = await open();
    const batch = net.batch();
    for (let i = 0; i < 2500; i++) batch.put(new Key(`/items/${i}`), utf8(String(i)));
    await batch.commit();
    expect(new Set(await list(net, '/items')).size).toBe(2500);
  });

  it('holds what an earlier version wrote into the folder, but for records of peers', async () => {
    const earlier = new LevelDatastore(folder);
    await earlier.open();
    await earlier.put(new Key('/libp2p/webrtc-direct-certificate'), utf8('pem'));
    await earlier.put(new Key('/peers/long-gone'), utf8('record'));
    await earlier.close();
    const net = await open();
    expect(await net.get(new Key('/libp2p/webrtc-direct-certificate'))).toEqual(utf8('pem'));
    expect(await list(net)).toEqual(['/libp2p/webrtc-direct-certificate=pem']);
  });
});
