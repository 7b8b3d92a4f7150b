// A request, its answer and its payment:   PILA_KEY=… npx node examples/ask.ts http://localhost:8790/ lingua "ciao a tutti"
import { toHex } from '../src/lib/bytes.ts';
import { buildRequest } from '../src/wallet/build.ts';
import { txId } from '../src/core/tx/tx.ts';
import { decode } from '../src/core/codec.ts';
import { Tx } from '../src/core/formats.ts';
import { readRow } from '../src/core/reading.ts';
import { connect, ownKey } from './connect.ts';

const [seedUrl, model, text] = process.argv.slice(2) as [string, string, string];
const key = ownKey();
const peer = await connect(seedUrl);
await peer.proven(key.address);
const quote = await peer.api.quote(model);
// Bytes, or token ids by the model's own tokenizer.
const { input, tokens } = await peer.api.tokenise(quote.model.id, [text]);
if (!input) throw new Error(`${tokens[0]} are more than ${model} takes`);
const { fees, spendable: _spendable, ...base } = await peer.api.prepare(key.address);
const unsigned = buildRequest(
  { ...base, from: key.publicKey, fee: fees.normal },
  { modelId: quote.model.id, reward: quote.minimum, lifetime: 120, input },
);
const id = toHex(txId(decode(Tx, unsigned)));
await peer.api.submit(key.sign(unsigned));
console.log(`asked ${id} for ${quote.minimum} nV`);

// Told at every step: unconfirmed answer, answer in a block, payment.
const { labels, answerSize } = quote.model;
let told = '';
await peer.heard((event) => {
  if (event.type !== 'receipt' || toHex(event.receipt.id) !== id) return undefined;
  const { state, answers } = event.receipt;
  const [first] = answers;
  const row = first && Int8Array.from(first.answer.subarray(0, answerSize));
  const said =
    row && (labels.length ? (readRow(row, labels).label ?? 'can’t tell') : row.join(' '));
  const line = [state, said, first && (first.result ? 'confirmed' : 'unconfirmed')]
    .join(' ')
    .trim();
  if (line !== told) console.log((told = line));
  return state === 'paid' || state === 'refunded' || state === 'dropped' ? state : undefined;
});
await peer.stop();
process.exit();
