// A proven balance:   npx node examples/balance.ts http://localhost:8790/ rpila1…
import { connect } from './connect.ts';

const [seedUrl, address] = process.argv.slice(2) as [string, string];
const peer = await connect(seedUrl);
const { spendable, provenAt } = await peer.proven(peer.addressFrom(address));
console.log(`${spendable} nV, proven at block ${provenAt.height}`);
await peer.stop();
process.exit();
