// Mines, and answers for pay:   PILA_KEY=… npx node examples/serve.ts http://localhost:8790/ [blocks]
import { connectPaying, ownKey } from './connect.ts';

const [seedUrl, blocks] = process.argv.slice(2) as [string, string | undefined];
const { address } = ownKey();
const peer = await connectPaying(seedUrl, address);
peer.on((event) => {
  if (event.type === 'problem') console.error(`${event.code}: ${event.message}`);
  if (event.type === 'provided')
    console.log(`${event.work.answers} answers, ${event.work.earned} nV`);
});
await peer.api.payTo(address);
await peer.api.startMining({ backend: 'cpu' });
await peer.api.provide({ payee: address });
const found = await peer.heard((event) => {
  if (event.type !== 'miner') return undefined;
  const { blocksFound } = event.status;
  return blocksFound >= Number(blocks ?? Infinity) ? blocksFound : undefined;
});
console.log(`found ${found} blocks`);
await peer.api.pauseMining();
await peer.stop();
process.exit();
