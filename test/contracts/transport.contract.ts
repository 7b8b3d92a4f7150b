/** What a transport must do over any link. Run over each link by test/net/transport.test.ts. */
import { describe, expect, it } from 'vitest';
import { encode } from '../../src/core/codec.ts';
import { SyncRequest, SyncResponse } from '../../src/core/messages.ts';
import { fault } from '../../src/core/faults.ts';
import type { Link } from '../../src/net/transport.ts';
import { connected, startPeer, startSeed, until, type PeerOptions } from '../net/peers.ts';
import { blockAnnounce, EXCHANGES, offerAt, signedTx } from '../net/samples.ts';

const bytesOf = (response: SyncResponse): string =>
  Buffer.from(encode(SyncResponse, response)).toString('base64');

export interface TransportSubject {
  readonly link: Link;
  /** What a seed listens on. */
  readonly listen: readonly string[];
  /** The client's transport stands in another thread. */
  readonly remote?: boolean;
}

export function transportContract({ link, listen, remote = false }: TransportSubject): void {
  const pair = async (seedOptions: PeerOptions = {}) => {
    const seed = await startSeed({ listen, ...seedOptions });
    const client = await startPeer({ bootstrap: seed.transport.addresses(), remote });
    return { seed, client, seedId: await connected(client, seed) };
  };

  describe(`transport over ${link}${remote ? ', through a port' : ''}`, () => {
    it('carries every kind of request and answer', async () => {
      const { seed, client, seedId } = await pair();
      expect(client.transport.peers()).toMatchObject([
        { id: seedId, origin: 'configured', link, penalty: 0 },
      ]);
      expect(seed.transport.peers()).toMatchObject([{ origin: 'inbound' }]);
      for (const [request, response] of EXCHANGES)
        // As bytes: a deep comparison of megabytes takes half a minute.
        expect(bytesOf(await client.transport.request(seedId, request))).toBe(bytesOf(response));
      expect(seed.requests).toEqual(EXCHANGES.map(([request]) => request));
    });

    it('counts the bytes of its messages, both ways', async () => {
      const { seed, client, seedId } = await pair();
      const [before, served] = [client.transport.traffic(), seed.transport.traffic()];
      let [asked, answered] = [0, 0];
      for (const [request, response] of EXCHANGES) {
        asked += encode(SyncRequest, request).length;
        answered += encode(SyncResponse, response).length;
        await client.transport.request(seedId, request);
      }
      const [after, since] = [client.transport.traffic(), seed.transport.traffic()];
      const isAbout = (counted: number, bytes: number) => {
        expect(counted).toBeGreaterThanOrEqual(bytes);
        // Lengths, and what gossip says meanwhile.
        expect(counted).toBeLessThan(bytes + 16_384);
      };
      isAbout(after.sentBytes - before.sentBytes, asked);
      isAbout(after.receivedBytes - before.receivedBytes, answered);
      isAbout(since.sentBytes - served.sentBytes, answered);
      isAbout(since.receivedBytes - served.receivedBytes, asked);
    });

    it('keeps many requests at once apart', async () => {
      const { client, seedId } = await pair();
      const [request, response] = EXCHANGES[5]!;
      const all = Array.from({ length: 30 }, () => client.transport.request(seedId, request));
      for (const got of await Promise.all(all)) expect(got).toEqual(response);
      expect(client.log).toEqual([]);
    });

    it('fails with a code when nobody answers, is there, or answers the question', async () => {
      const never = new Promise<never>(() => {});
      const { client, seedId } = await pair({ handlers: { onRequest: () => never } });
      const ask = (peer: string) => client.transport.request(peer, { type: 'status' }, 300);
      await expect(ask(seedId)).rejects.toMatchObject({ code: 'NET_TIMEOUT' });
      const other = '12D3KooWR7LFeSYZ7dsQwgSx4fRhN3HebJKN5UgRMENymFizLNsA';
      await expect(ask(other)).rejects.toMatchObject({ code: 'NET_CLOSED' });
    });

    it('charges a peer whose answer is of another kind', async () => {
      const [, wrong] = EXCHANGES[5]!;
      const { client, seedId } = await pair({ handlers: { onRequest: async () => wrong } });
      const asked = client.transport.request(seedId, { type: 'status' });
      await expect(asked).rejects.toMatchObject({ code: 'NET_MALFORMED' });
      expect(client.transport.peers()[0]!.penalty).toBe(20);
    });

    it('charges a peer for the fault that a handler returns, and cuts it at 100', async () => {
      const onRequest = async () => fault('state.proof');
      const { seed, client, seedId } = await pair({ handlers: { onRequest } });
      const ask = () => client.transport.request(seedId, { type: 'status' });
      await expect(ask()).rejects.toMatchObject({ code: 'NET_CLOSED' });
      expect(seed.transport.peers()[0]!.penalty).toBe(50);
      await expect(ask()).rejects.toMatchObject({ code: 'NET_CLOSED' });
      expect(seed.transport.peers()).toEqual([]);
      await until('the client is cut', () => client.transport.peers().length === 0);
    });

    it('passes gossip on to a third peer, repeats included', async () => {
      const { seed, client } = await pair();
      const third = await startPeer({ bootstrap: seed.transport.addresses() });
      await connected(third, seed);
      // Announcements are for those who subscribed: repeat until the meshes stand.
      for (
        let sequence = 0;
        third.blocks.length < 2 || !third.txs[0] || !third.offers[0];
        sequence++
      ) {
        expect(sequence).toBeLessThan(100);
        await client.transport.announceBlock(blockAnnounce(sequence));
        await client.transport.announceTx({ tx: signedTx, sequence });
        await client.transport.announceOffer(offerAt(sequence));
        await new Promise((r) => setTimeout(r, 100));
      }
      expect(third.blocks[0]!.peer).toBe(seed.id);
      expect(third.blocks[0]!.announce.block).toEqual(blockAnnounce(0).block);
      expect(third.txs[0].announce.tx).toEqual(signedTx);
      expect(third.offers[0]).toMatchObject({
        peer: seed.id,
        offer: { signature: offerAt(0).signature },
      });
    });
  });
}
