/** Peers of role browser (in Node.js, with its WebRTC) meet through a seed and outlive it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startPeer, until, WEBSOCKET, type TestPeer } from './peers.ts';
import { blockAnnounce } from './samples.ts';
import { spawnSeed } from './spawn-seed.ts';

const linkTo = (peer: TestPeer) => peer.transport.peers().find((p) => p.link === 'webrtc');

/** A handshake that fails is tried again with the next records, each of which may take 20 s. */
const MEET_MS_MAX = 150_000;

it(
  'browsers meet directly, and go on when the seed is killed',
  { timeout: MEET_MS_MAX + 30_000 },
  async () => {
    const place = await mkdtemp(join(tmpdir(), 'pila-net-'));
    const seed = await spawnSeed(place, [WEBSOCKET]);
    const a = await startPeer({ role: 'browser', bootstrap: seed.addresses });
    const b = await startPeer({ role: 'browser', bootstrap: seed.addresses });
    await until('they are linked', () => linkTo(a) && linkTo(b), MEET_MS_MAX);
    await seed.kill();
    await until('the seed is gone', () => [a, b].every((p) => p.transport.peers().length === 1));
    const got = await a.transport.request(linkTo(a)!.id, { type: 'status' });
    expect(got.type).toBe('status');
    for (let sequence = 0; !b.blocks.length; sequence++) {
      expect(sequence).toBeLessThan(200);
      await a.transport.announceBlock(blockAnnounce(sequence));
      await new Promise((r) => setTimeout(r, 100));
    }
    await rm(place, { recursive: true });
  },
);
