import { describe, expect, it } from 'vitest';
import { bodyOf } from '../../src/core/tx/body.ts';
import { fault } from '../../src/core/faults.ts';
import { newPrivateKey, peerIdOfKey } from '../../src/net/peer-key.ts';
import { transportContract } from '../contracts/transport.contract.ts';
import { connected, startPeer, startSeed, until, WEBSOCKET } from './peers.ts';
import { blockAnnounce, proof } from './samples.ts';

transportContract({ link: 'websocket', listen: [WEBSOCKET] });
transportContract({ link: 'websocket', listen: [WEBSOCKET], remote: true });

describe('transport', () => {
  it('does not list peers of another chain', async () => {
    const heard: number[] = [];
    const onPeers = (peers: readonly unknown[]) => void heard.push(peers.length);
    const seed = await startSeed({ handlers: { onPeers } });
    await startPeer({ bootstrap: seed.transport.addresses(), chainId: 78 });
    const ours = await startPeer({ bootstrap: seed.transport.addresses() });
    await connected(ours, seed);
    expect(seed.transport.peers()).toHaveLength(1);
    expect(Math.max(...heard)).toBe(1);
  });

  it('a peer that brings no key is another one at each start', async () => {
    const seed = await startSeed({ privateKey: await newPrivateKey() });
    const ids = new Set<string>();
    for (let start = 0; start < 2; start++) {
      const peer = await startPeer({ bootstrap: seed.transport.addresses() });
      await connected(peer, seed);
      for (const { id } of seed.transport.peers()) ids.add(id);
      await peer.stop();
      await until('it is gone', () => seed.transport.peers().length === 0);
    }
    expect(ids.size).toBe(2);
  });

  it('bans at 100: the peer is cut and cannot come back', async () => {
    const seed = await startSeed();
    const key = await newPrivateKey();
    const client = await startPeer({ bootstrap: seed.transport.addresses(), privateKey: key });
    await connected(client, seed);
    seed.transport.charge(peerIdOfKey(key), fault('proof.digest'));
    expect(seed.transport.peers()).toEqual([]);
    await until('the client is cut', () => client.transport.peers().length === 0);
    const other = await startPeer({ bootstrap: seed.transport.addresses() });
    await connected(other, seed);
    // The banned client dials again every half second; a fresh one got in meanwhile.
    await new Promise((r) => setTimeout(r, 1500));
    expect(seed.transport.peers().map((p) => p.id)).not.toContain(peerIdOfKey(key));
    expect(client.transport.peers()).toEqual([]);
  });

  it('does not pass on what was refused, and charges the sender', async () => {
    const seed = await startSeed({ judge: () => fault('proof.target') });
    const key = await newPrivateKey();
    const client = await startPeer({ bootstrap: seed.transport.addresses(), privateKey: key });
    const third = await startPeer({ bootstrap: seed.transport.addresses() });
    await connected(client, seed);
    await connected(third, seed);
    for (let sequence = 0; !seed.blocks.length; sequence++) {
      await client.transport.announceBlock(blockAnnounce(sequence));
      await new Promise((r) => setTimeout(r, 50));
    }
    await until('the sender is cut', () =>
      seed.transport.peers().every((p) => p.id !== peerIdOfKey(key)),
    );
    expect(third.blocks).toEqual([]);
  });

  it('never publishes above the cap', async () => {
    const { transport } = await startPeer();
    const { block } = blockAnnounce(0);
    const rows = proof(65_000);
    const body = bodyOf(Array.from({ length: 999 }, () => block.body.transactions[0]!));
    const big = { block: { ...block, body, proof: { ...rows, columns: rows.rows } }, sequence: 0 };
    await expect(transport.announceBlock(big)).rejects.toMatchObject({ code: 'NET_TOO_LARGE' });
  });
});
