// A payment, until it is in a block:   PILA_KEY=… npx node examples/send.ts http://localhost:8790/ rpila1… 1.5
import { parseAmount } from '../src/wallet/amount.ts';
import { buildTransfer } from '../src/wallet/build.ts';
import { connect, ownKey } from './connect.ts';

const [seedUrl, to, amount] = process.argv.slice(2) as [string, string, string];
const key = ownKey();
const peer = await connect(seedUrl);
await peer.proven(key.address);
const { fees, spendable: _spendable, ...base } = await peer.api.prepare(key.address);
const payment = { to: peer.addressFrom(to), amount: parseAmount(amount), memo: 'an example' };
const unsigned = buildTransfer({ ...base, from: key.publicKey, fee: fees.normal }, payment);
await peer.api.submit(key.sign(peer.genesisId, unsigned));
const { state, height } = await peer.until(async () =>
  (await peer.api.pending()).find((sent) => sent.state !== 'pending'),
);
console.log(state === 'confirmed' ? `confirmed in block ${height}` : `it is ${state}`);
await peer.stop();
process.exit();
