/** libp2p hosts of strangers, from an address of their choice. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { lpStream } from '@libp2p/utils';
import { noise } from '@libp2p/noise';
import { webSockets } from '@libp2p/websockets';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';

const DIAL_MS = 8000;

/** A port of this machine that leads there from `localAddress`: libp2p lets nobody choose where a dial comes from. */
export async function wayFrom(localAddress: string, host: string, port: number): Promise<number> {
  const server = createServer((near) => {
    const far = connect({ host, port, localAddress });
    const close = (): void => void (near.destroy(), far.destroy());
    near.on('error', close).on('close', close).pipe(far);
    far.on('error', close).on('close', close).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Asks a relay for a place and leaves. @returns whether it was given */
export async function newPlace(relay: string): Promise<boolean> {
  const host = await createLibp2p({
    addresses: { listen: [] },
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
  });
  try {
    const signal = AbortSignal.timeout(DIAL_MS);
    const connection = await host.dial(multiaddr(relay), { signal });
    const stream = await connection.newStream('/libp2p/circuit/relay/0.2.0/hop', { signal });
    const lp = lpStream(stream);
    await lp.write(Uint8Array.of(8, 0), { signal }); // HopMessage { type: RESERVE }
    return (await lp.read({ signal })).subarray().at(-1) === 100;
  } finally {
    await host.stop();
  }
}
