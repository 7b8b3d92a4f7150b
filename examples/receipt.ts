// What anybody shared, run again here:   npx node examples/receipt.ts http://localhost:8790/ <hex digits>
import { fromHex, toHex } from '../src/lib/bytes.ts';
import { connect } from './connect.ts';

const [seedUrl, shared] = process.argv.slice(2) as [string, string];
const peer = await connect(seedUrl);
const answer = await peer.api.readAnswer(fromHex(shared)!);
console.log(`signed by ${toHex(answer.provider)}`);
const { isEqual } = await peer.api.verifyAnswer(answer);
console.log(isEqual ? 'the answer is the model’s' : 'the answer is WRONG');
await peer.stop();
process.exit();
