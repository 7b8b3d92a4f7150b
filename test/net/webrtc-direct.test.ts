/**
 * WebRTC-direct in Node.js, whose native part can take its process along: apart from the other
 * tests, and what stops in the order that does so runs in a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/lib/errors.ts';
import { transportContract } from '../contracts/transport.contract.ts';
import {
  connected,
  sees,
  startPeer,
  startSeed,
  until,
  WEBRTC_DIRECT,
  WEBSOCKET,
  type TestPeer,
} from './peers.ts';
import { spawnSeed } from './spawn-seed.ts';

/**
 * Until the peer answers. Our end of a connection may be up before the seed's; one that the seed then
 * gives up is dialled again.
 */
async function answers(client: TestPeer, id: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    await sees(client, id);
    try {
      expect(await client.transport.request(id, { type: 'status' })).toMatchObject({
        type: 'status',
      });
      return;
    } catch (e) {
      if (!(e instanceof AppError && e.code === 'NET_CLOSED') || tries === 10) throw e;
      await new Promise((r) => setTimeout(r, 100));
    }
  }
}

transportContract({ link: 'webrtc-direct', listen: [WEBRTC_DIRECT] });

describe('WebRTC-direct', () => {
  it('prefers WebSocket, and takes WebRTC-direct when that does not work', async () => {
    const seed = await startSeed({ listen: [WEBSOCKET, WEBRTC_DIRECT] });
    const both = seed.transport.addresses();
    const first = await startPeer({ bootstrap: both.toReversed() });
    await connected(first, seed);
    expect(first.transport.peers()[0]!.link).toBe('websocket');
    const dead = both.map((a) => a.replace(/\/tcp\/\d+\//, '/tcp/1/'));
    const second = await startPeer({ bootstrap: dead });
    await connected(second, seed);
    expect(second.transport.peers()[0]!.link).toBe('webrtc-direct');
  });

  it('a seed that stops with connections open lives on, and its next start listens', () => {
    const script = join(import.meta.dirname, 'stop-process.ts');
    const child = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 50_000 });
    expect(child).toMatchObject({ stdout: 'linked\nlinked\nlinked\nend\n', status: 0 });
  });

  it('returns to a seed that was killed and restarts with its key and addresses', async () => {
    const place = await mkdtemp(join(tmpdir(), 'pila-net-'));
    const before = await spawnSeed(place, [WEBSOCKET, WEBRTC_DIRECT]);
    const client = await startPeer({ bootstrap: before.addresses });
    const direct = before.addresses.filter((a) => a.includes('/webrtc-direct'));
    expect(direct).toHaveLength(1);
    const other = await startPeer({ bootstrap: direct });
    const id = before.addresses[0]!.split('/p2p/').at(-1)!;
    await Promise.all([sees(client, id), sees(other, id)]);
    await before.kill();
    await until('the client noticed', () => client.transport.peers().length === 0);

    // Ports are given again, without the certificate's hash, which must come out the same.
    const listen = before.addresses.map((a) => a.split('/p2p/')[0]!.replace(/\/certhash.*/, ''));
    const after = await spawnSeed(place, listen);
    expect(after.addresses.toSorted()).toEqual(before.addresses.toSorted());
    await sees(client, id);
    const again = await startPeer({ bootstrap: direct });
    await Promise.all([answers(client, id), answers(again, id)]);
    await after.kill();
    await rm(place, { recursive: true });
  });
});
