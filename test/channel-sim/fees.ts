/**
 * `npm run -s channel:fees`: what the chain takes of prepaid answers. For each number of answers a channel is opened
 * and closed on a real chain for the least fees that its pool takes of it, by bytes and leaves. While blocks have room
 * wallets and providers propose no more than that, for one leaf more at the close. Beside it stands the price of an
 * answer as a provider asks it, by the difficulty of the head.
 */
import { feeMin, FEES_FOR } from '../../src/chain/shared/fees.ts';
import { fairPrice } from '../../src/client/providing/prices.ts';
import { encode } from '../../src/core/codec.ts';
import { SignedTx } from '../../src/core/formats.ts';
import { BODY_BYTES_MAX, ACCOUNT_MIN } from '../../src/core/params.ts';
import { costOf } from '../../src/core/price.ts';
import { txId } from '../../src/core/tx/tx.ts';
import {
  GENESIS_ID,
  close,
  mine,
  openChain,
  PARAMS,
  person,
  prepay,
  START_MS,
} from '../chain/make-blocks.ts';
import { readModel } from '../oracle/models.ts';

/** How many times harder than the easiest target: of a few computers, of a thousand, of a million. */
const HARDER = [1n, 1_000n, 1_000_000n] as const;
/** nV of an opening and of a close. */
type BothFees = readonly [opening: bigint, close: bigint];
const least = ({ bytes, leaves }: { bytes: number; leaves: number }) => feeMin(bytes, leaves);
/** What both ends propose while blocks have room. */
const USUAL: BothFees = [least(FEES_FOR.channel), least(FEES_FOR.close)];
/** Both have accounts already. */
const LEAST: BothFees = [USUAL[0], least({ ...FEES_FOR.close, leaves: 0 })];

const { manifest } = await readModel('lingua');
const prices = HARDER.map((times) =>
  fairPrice(manifest, {
    models: [manifest],
    target: PARAMS.targetMax / times,
    height: 1,
  }),
);
const cheapest = prices.at(-1)!;

const [asker, provider, miner] = [person(1), person(2), person(3)];
const chain = await openChain(
  undefined,
  { ms: START_MS + 1_000_000 },
  { genesisTimeMs: async () => START_MS },
);
await mine(chain, asker, 2);
await mine(chain, provider, 1);
// Until all of that is spendable: what ripens later would count as paid back.
await mine(chain, miner, PARAMS.maturityBlocks);

/** nV that both transactions of a channel take, by what both ends have before and after. */
async function feesOf(answers: number, [opens, closes]: BothFees): Promise<bigint> {
  const held = () =>
    [asker, provider].reduce(
      (sum, { address }) => sum + (chain.account(address)?.balance ?? 0n),
      0n,
    );
  // A close can't take less than its fee.
  const cost = costOf({ price: cheapest, read: 0 }, answers);
  const amount = cost > closes ? cost : closes;
  const limit = amount > ACCOUNT_MIN ? amount : ACCOUNT_MIN;
  const nonce = chain.account(asker.address)?.nonce ?? 0n;
  const before = held();
  const opening = prepay(asker, nonce, provider, { limit, fee: opens });
  await take(opening);
  await take(close(provider, txId(GENESIS_ID, opening.tx), amount, { fee: closes }));
  return before - held();
}

/** Through the pool into a block. */
async function take(tx: SignedTx): Promise<void> {
  const refused = await chain.addTx(tx);
  if (refused) throw new Error(refused.fault);
  await mine(chain, miner, 1);
}

const few = await chain.addTx(
  prepay(asker, chain.account(asker.address)!.nonce, provider, { fee: LEAST[0] - 1n }),
);
if (few?.fault !== 'tx.fee-low') throw new Error('the pool takes less than the least fee');

console.log(
  `| answers a channel | least fees, nV an answer | usual fees | ` +
    `price at the easiest target | ÷ 1,000 | ÷ 1,000,000 |`,
);
console.log('|---|---|---|---|---|---|');
for (const answers of [1, 10, 1_000]) {
  const fees = [await feesOf(answers, LEAST), await feesOf(answers, USUAL)];
  const each = fees.map((fee) => fee / BigInt(answers));
  const cells = [BigInt(answers), ...each, ...prices.map(({ amount }) => amount)];
  console.log(`| ${cells.map((n) => n.toLocaleString('en')).join(' | ')} |`);
}
const bytesOf = (tx: SignedTx): number => encode(SignedTx, tx).length;
const opening = prepay(asker, 0, provider);
const both = bytesOf(opening) + bytesOf(close(provider, txId(GENESIS_ID, opening.tx), 1n));
console.log(
  `${both} bytes for both transactions: ${Math.floor(BODY_BYTES_MAX / both)} channels a block`,
);
await chain.close();
