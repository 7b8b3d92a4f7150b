/** A seed and a peer over WebRTC-direct; the seed stops first, three times over. */
import { createTransport } from '../../src/net/create-transport.ts';
import type { Handlers } from '../../src/net/transport.ts';
import { CHAIN } from './chain-id.ts';

for (let i = 0; i < 3; i++) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const handlers: Handlers = {
    onRequest: async () => ({ type: 'unavailable', reason: 'test' }),
    onBlock: async () => 'ignore',
    onTx: async () => 'ignore',
    onOffer: async () => 'ignore',
    onPeers: (peers) => peers.some((p) => p.link === 'webrtc-direct') && resolve(),
  };
  const listen = ['/ip4/127.0.0.1/udp/0/webrtc-direct'];
  const seed = createTransport({ chainId: CHAIN, role: 'seed', bootstrap: [], listen });
  await seed.start(handlers);
  const bootstrap = seed.addresses();
  const client = createTransport({ chainId: CHAIN, role: 'node', bootstrap });
  await client.start({ ...handlers, onPeers: () => {} });
  await promise;
  console.log('linked');
  await seed.stop();
  await client.stop();
}
console.log('end');
process.exit(0);
