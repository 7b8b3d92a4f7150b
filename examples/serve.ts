// Mines, and answers requests for their reward:   PILA_KEY=… npx node examples/serve.ts http://localhost:8790/ [blocks]
import { decode } from '../src/core/codec.ts';
import { Tx } from '../src/core/formats.ts';
import { connect, ownKey } from './connect.ts';

const [seedUrl, blocks] = process.argv.slice(2) as [string, string | undefined];
const key = ownKey();
const peer = await connect(seedUrl);
peer.on((event) => {
  if (event.type === 'problem') console.error(`${event.code}: ${event.message}`);
  if (event.type !== 'unsigned') return;
  // Only these two come; a signer that is given anything else should refuse.
  const { type } = decode(Tx, event.tx);
  if (type !== 'claim' && type !== 'result') return;
  console.log(`signs a ${type}`);
  peer.api.submit(key.sign(event.tx)).catch((e: Error) => console.error(e.message));
});
await peer.proven(key.address);
await peer.api.payTo(key.address);
await peer.api.serve(key.publicKey);
await peer.api.startMining({ backend: 'cpu' });
const found = await peer.heard((event) => {
  if (event.type !== 'miner') return undefined;
  const { blocksFound } = event.status;
  return blocksFound >= Number(blocks ?? Infinity) ? blocksFound : undefined;
});
console.log(`found ${found} blocks`);
await peer.api.pauseMining();
await peer.stop();
process.exit();
