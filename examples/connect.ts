/** What the other examples share: a peer of the seed's network, a key, and waiting for an event. */
import { schnorr } from '@noble/curves/secp256k1.js';
import type { ClientConfig, ClientEvent } from '../src/client/api.ts';
import { createClient } from '../src/client/client.ts';
import { addressOf, parseAddress } from '../src/core/address.ts';
import { decode } from '../src/core/codec.ts';
import { Header, Tx } from '../src/core/formats.ts';
import { blockId } from '../src/core/header/header.ts';
import { signTx, txBytes } from '../src/core/tx/tx.ts';
import { fromHex } from '../src/lib/bytes.ts';
import { createNodePlatform } from '../src/node/client-platform.ts';
import { openServingKeys, type ServingKeys } from '../src/node/serving-file.ts';

type Config = ClientConfig & { prefix: string };

/** A light client at the head of the chain, in memory: give createNodePlatform a `data` folder to keep it. */
export const connect = async (seedUrl: string) => follow(seedUrl, await configOf(seedUrl));

/**
 * The same with keys that sign by themselves, for channels: those that it opens, and those that pay `payee`. They are
 * kept in the folder PILA_DATA: lose none of them while channels are open.
 */
export async function connectPaying(seedUrl: string, payee: Uint8Array) {
  const config = await configOf(seedUrl);
  const signers = await openServingKeys({
    folder: process.env.PILA_DATA ?? '.data/examples',
    network: config.network,
    genesisId: blockId(decode(Header, fromHex(config.genesis!)!)),
    payees: [payee],
    now: Date.now,
  });
  return { ...(await follow(seedUrl, config, signers)), signers };
}

const configOf = async (seedUrl: string): Promise<Config> =>
  (await (await fetch(new URL('config.json', seedUrl))).json()) as Config;

async function follow(seedUrl: string, config: Config, signers?: ServingKeys) {
  const platform = createNodePlatform({ network: config.network, seedUrl, signers });
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
    /** Id of block 0 of its network: what is signed names it. */
    genesisId: (await client.api.status()).chain.genesisId,
    on: client.on,
    heard,
    /** Asks again whenever the chain has changed, until there is something. */
    async until<T>(ask: () => Promise<T | undefined>): Promise<T> {
      for (;;) {
        const found = await ask();
        if (found !== undefined) return found;
        await heard((event) => (event.type === 'chain' ? event : undefined));
      }
    },
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
    sign: (genesisId: Uint8Array, unsigned: Uint8Array): Uint8Array =>
      txBytes(signTx(genesisId, decode(Tx, unsigned), secret)),
  };
}

/** The key from the environment's PILA_KEY. */
export const ownKey = () => keyOf(process.env.PILA_KEY ?? '');
