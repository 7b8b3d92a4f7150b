/**
 * A seed in a process of its own, for tests that end or restart one: arguments are the folder that
 * keeps its key and certificate, and multiaddrs to listen on. Prints its addresses as JSON.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LevelDatastore } from 'datastore-level';
import { createLog } from '../../src/lib/log.ts';
import { createTransport } from '../../src/net/create-transport.ts';
import { newPrivateKey } from '../../src/net/peer-key.ts';
import { CHAIN } from './chain-id.ts';
import { EXCHANGES } from './samples.ts';

const [place = '', ...listen] = process.argv.slice(2);
const keyFile = join(place, 'peer.key');
if (!existsSync(keyFile)) writeFileSync(keyFile, await newPrivateKey(), { mode: 0o600 });
const datastore = new LevelDatastore(join(place, 'net'));
await datastore.open();
const transport = createTransport({
  chainId: CHAIN,
  role: 'seed',
  bootstrap: [],
  listen,
  privateKey: new Uint8Array(readFileSync(keyFile)),
  datastore,
  log: createLog((line) => console.error(line)),
});
await transport.start({
  onRequest: async (_, request) => EXCHANGES.find(([r]) => r.type === request.type)![1],
  onBlock: async () => 'accept',
  onTx: async () => 'accept',
  onOffer: async () => 'accept',
  onPeers: () => {},
});
console.log(JSON.stringify(transport.addresses()));
// Ends with its parent.
process.stdin.resume().on('end', () => process.exit(0));
