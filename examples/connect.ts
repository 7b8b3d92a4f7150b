/** What the other examples share: a peer of the seed's network, a key, and waiting for an event. */
import { schnorr } from '@noble/curves/secp256k1.js';
import type { ClientConfig, ClientEvent } from '../src/client/api.ts';
import { createClient } from '../src/client/client.ts';
import { addressOf, parseAddress } from '../src/core/address.ts';
import { decode } from '../src/core/codec.ts';
import { Tx } from '../src/core/formats.ts';
import { signTx, txBytes } from '../src/core/tx/tx.ts';
import { fromHex } from '../src/lib/bytes.ts';
import { createNodePlatform } from '../src/node/client-platform.ts';

/** A light client at the head of the chain, in memory: give createNodePlatform a `data` folder to keep it. */
export async function connect(seedUrl: string) {
  const response = await fetch(new URL('config.json', seedUrl));
  const config = (await response.json()) as ClientConfig & { prefix: string };
  const platform = createNodePlatform({ network: config.network, seedUrl });
  const client = await createClient(platform, config);

  /** The first event of which `want` makes something. */
  const heard = <T>(want: (event: ClientEvent) => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const off = client.on((event) => {
        const wanted = want(event);
        if (wanted === undefined) return;
        off();
        resolve(wanted);
      });
    });

  // Until then a balance is proven too, but after an old block.
  await heard((e) => (e.type === 'chain' && e.status.sync === 'synced' ? e : undefined));
  return {
    api: client.api,
    on: client.on,
    heard,
    addressFrom(text: string): Uint8Array {
      const address = parseAddress(text, config.prefix);
      if (!address) throw new Error(`${text} is no address of ${config.network}`);
      return address;
    },
    /** Follows an address: its balance after the newest block, proven. */
    async proven(address: Uint8Array) {
      await client.api.watch(address);
      return await client.api.account(address);
    },
    async stop(): Promise<void> {
      await client.stop();
      await platform.close();
    },
  };
}

/** A key of 64 hex digits. Keep yours out of command lines: other users of a machine see those. */
export function keyOf(hex: string) {
  const secret = fromHex(hex, 32);
  if (!secret) throw new Error('a key is 64 hex digits');
  const publicKey = schnorr.getPublicKey(secret);
  return {
    publicKey,
    address: addressOf(publicKey),
    /** Encoded unsigned transaction to encoded signed one. Look at what you sign. */
    sign: (unsigned: Uint8Array): Uint8Array => txBytes(signTx(decode(Tx, unsigned), secret)),
  };
}

/** The key from the environment's PILA_KEY. */
export const ownKey = () => keyOf(process.env.PILA_KEY ?? '');
