// Anybody's receipt, run again here:   npx node examples/receipt.ts http://localhost:8790/ <64 hex digits>
import { equal, fromHex } from '../src/lib/bytes.ts';
import { connect } from './connect.ts';

const [seedUrl, id] = process.argv.slice(2) as [string, string];
const peer = await connect(seedUrl);
const receipt = await peer.api.receipt(fromHex(id, 32)!);
if (!receipt) throw new Error('no such request');
console.log(`${receipt.state}, known from ${receipt.source}`);
const ours = await peer.api.execute(receipt.modelId, receipt.input);
for (const { answer } of receipt.answers)
  console.log(equal(answer, ours) ? 'the answer is the model’s' : 'the answer is WRONG');
await peer.stop();
process.exit();
