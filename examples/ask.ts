// An answer for pay, over a channel:   PILA_KEY=… npx node examples/ask.ts http://localhost:8790/ lingua "ciao a tutti"
import { decode } from '../src/core/codec.ts';
import { Tx } from '../src/core/formats.ts';
import { tokensMax } from '../src/core/manifest.ts';
import { ACCOUNT_MIN, CHANNEL_LIFETIME_MIN } from '../src/core/params.ts';
import { costOf, pricedInput } from '../src/core/price.ts';
import { readRow } from '../src/core/reading.ts';
import { toHex } from '../src/lib/bytes.ts';
import { buildChannel } from '../src/wallet/build.ts';
import { connectPaying, ownKey } from './connect.ts';

const [seedUrl, name, text] = process.argv.slice(2) as [string, string, string];
const key = ownKey();
const peer = await connectPaying(seedUrl, key.address);
const { api, signers, until } = peer;
await peer.proven(key.address);
const model = (await api.models()).find((each) => each.name === name);
if (!model) throw new Error(`${name} is no model here`);
// Bytes, or token ids by the model's own tokenizer.
const { input, tokens } = await api.tokenise(model.id, [text]);
if (!input) throw new Error(`${tokens[0]} tokens are more than the ${tokensMax(model)} of ${name}`);

// Providers tell of themselves once a minute.
const provider = await until(async () => (await api.providers(model.id))[0]);
const {
  fees,
  spendable: _spendable,
  ...base
} = await api.prepare(key.address, undefined, 'channel');
const twice = 2n * costOf(pricedInput(provider.price, model, input), 1);
const unsigned = buildChannel(
  { ...base, from: key.publicKey, fee: fees.normal },
  {
    provider: provider.key,
    payee: provider.payee,
    signer: await signers.newSigner(),
    limit: twice > ACCOUNT_MIN ? twice : ACCOUNT_MIN,
    lifetime: CHANNEL_LIFETIME_MIN,
  },
);
const opening = decode(Tx, unsigned);
if (opening.type === 'channel') await signers.noteOpening(opening);
const { id, limit } = await api.openChannel(key.sign(peer.genesisId, unsigned), provider.peer);
console.log(`opened ${toHex(id)} with ${limit} nV`);

const { answer, n, total } = await api.askPrepaid({ channel: id, model: model.id, input, most: 1 });
const row = Int8Array.from(answer);
const { labels } = model;
const said = labels.length ? (readRow(row, labels).label ?? 'can’t tell') : row.join(' ');
console.log(`${said}, for ${total} nV`);
console.log(`shared ${toHex(await api.shareAnswer(id, n))}`);

await api.closeChannel(id);
const closed = await until(async () => {
  const { entries } = await api.history(key.address, 10);
  return entries.find(({ tx: { tx } }) => tx.type === 'close');
});
await signers.channelEnded(id);
console.log(`closed in block ${closed.position.height}: the rest is back`);
await peer.stop();
process.exit();
