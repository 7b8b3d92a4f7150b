/** Asking for inference with this node's own coins: the price, the request, and what becomes of it. */
import type { FullChain, FullChainEvent } from '../../chain/full/full-chain.ts';
import type { Receipt } from '../../client/api.ts';
import { modelNamed } from '../../client/models/networks.ts';
import { minimumReward, subsidyPerPass } from '../../client/mining/quote.ts';
import { TokenThread } from '../../client/models/token-thread.ts';
import { createTexts, type Texts } from '../../client/models/texts.ts';
import { formatAddress } from '../../core/address.ts';
import type { SignedTx } from '../../core/formats.ts';
import { plainHash } from '../../core/hash.ts';
import { inputTokens, type Manifest } from '../../core/manifest.ts';
import { targetFromBits } from '../../core/header/target.ts';
import { txId } from '../../core/tx/tx.ts';
import { concat, equal, u32, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import { createReceipts, type ReceiptOf } from './receipts.ts';
import { startTokens } from '../start-tokens.ts';
import type { SeedDeps } from '../seed/seed-deps.ts';
import type { Sender } from '../seed/sender.ts';
import type { Spendings } from './spending.ts';

/** nV of a request's fee: ten times what a pool asks at least. */
const FEE = 10_000n;
/** Blocks that a request stays open. */
const LIFETIME = 120;
/** Requests that may wait to be signed. */
const ASKING_MAX = 32;

export type Wanted = 'none' | 'answer' | 'confirmed' | 'paid';

export interface Asked {
  readonly model: string;
  /** Texts, or an input in bytes. */
  readonly input: Uint8Array | readonly string[];
  /** nV; the quoted minimum when absent. */
  readonly reward: bigint | undefined;
}

export interface Priced {
  readonly name: string;
  readonly id: Uint8Array;
  readonly manifest: Manifest;
  /** nV. */
  readonly minimum: bigint;
  readonly subsidyPerPass: bigint;
}

export interface Inference {
  /** Resolves once the requests that were sent before the last stop are in the pool again. Never rejects. */
  readonly resent: Promise<void>;
  readonly names: readonly string[];
  /** nV of the fee that `ask` pays. */
  readonly fee: bigint;
  /** @throws AppError MODEL_MISSING */
  quote(model: string): Priced;
  /**
   * Sends a request once per key, however often it is called. @returns its id
   * @throws AppError MODEL_MISSING, MODEL_CORRUPT, TOKENIZER_MISSING, TOKENISER_SLOW, INPUT_LONG,
   * SPEND_LIMIT, FUNDS_SHORT, IDEMPOTENCY_REUSED, TX_REFUSED, BUSY, SENDER_BUSY, CHAIN_BUSY
   */
  ask(asked: Asked, key: string): Promise<Uint8Array>;
  /** What is asked, as the model takes it. @throws AppError MODEL_MISSING and as `ask` for what can't be read */
  read(asked: Asked): Promise<{ readonly priced: Priced; readonly input: Uint8Array }>;
  readInput: Texts['readInput'];
  receipt: ReceiptOf;
  /** Resolves to the receipt once it has the wanted state, has ended, or the signal aborts. */
  wait(id: Uint8Array, wanted: Wanted, signal: AbortSignal): Promise<Receipt | undefined>;
  /** nV spent in the last day. */
  spent(): bigint;
}

const isOver = ({ state }: Receipt): boolean =>
  state === 'paid' || state === 'refunded' || state === 'dropped';

/** Whether the receipt has the wanted state, or is final. */
export function reached(receipt: Receipt, wanted: Wanted): boolean {
  if (isOver(receipt)) return true;
  if (wanted === 'answer') return receipt.answers.length > 0;
  return wanted === 'confirmed' && receipt.answers.some(({ result }) => result !== undefined);
}

/** Whether an event may have changed the request's state. */
const concerns = (event: FullChainEvent, id: Uint8Array): boolean =>
  event.type === 'head' || (event.tx.tx.type === 'result' && equal(event.tx.tx.request, id));

export function createInference(deps: SeedDeps, sender: Sender, spendings: Spendings): Inference {
  const { chain, network, log } = deps;
  const texts = createTexts(network.models, deps.packages, new TokenThread(startTokens));
  const receiptOf = createReceipts(chain, network);
  const queue = new SerialQueue(ASKING_MAX, 'BUSY');

  function quote(name: string): Priced {
    const model = modelNamed(network, name);
    if (!model) throw new AppError('MODEL_MISSING', `models here: ${network.names.join(', ')}`);
    const { header } = chain.head();
    const target = targetFromBits(header.bits) ?? 0n;
    const terms = [model.manifest, target, header.height + 1] as const;
    const [minimum, subsidy] = [minimumReward(...terms), subsidyPerPass(...terms)];
    return { name, ...model, minimum, subsidyPerPass: subsidy };
  }

  /** For a request that was sent before: announces it again, in case it was lost. */
  async function repeat(signed: SignedTx): Promise<Uint8Array> {
    const id = txId(signed.tx);
    // The pool refuses it when it is in a block, or never can be: the receipt says which.
    if (!(await chain.position(id))) await sender.announce(signed).catch(() => undefined);
    return id;
  }

  function afford(spent: bigint): void {
    spendings.allow(spent);
    const { prefix } = network.params;
    const balance = chain.account(sender.address)?.balance ?? 0n;
    if (balance < spent)
      throw new AppError(
        'FUNDS_SHORT',
        `${formatAddress(sender.address, prefix)} has ${balance} nV of the ${spent} needed`,
      );
  }

  async function inputOf({ input, model }: Asked, { id, manifest }: Priced): Promise<Uint8Array> {
    if (input instanceof Uint8Array) {
      if (inputTokens(input, manifest)) return input;
      throw new AppError('INPUT_LONG', `${input.length} bytes do not fit ${model}`);
    }
    const made = await texts.tokenise(id, input);
    if (made.input) return made.input;
    const what = manifest.packing === 'u16' ? 'tokens' : 'bytes';
    throw new AppError(
      'INPUT_LONG',
      `texts of ${made.tokens.join(', ')} ${what} do not fit ${model}`,
    );
  }

  async function ask(asked: Asked, key: string): Promise<Uint8Array> {
    const { model, reward } = asked;
    const priced = quote(model);
    const { id: modelId, minimum } = priced;
    const input = await inputOf(asked, priced);
    const given = reward === undefined ? 'minimum' : String(reward);
    const content = plainHash(concat(modelId, u32(input.length), input, utf8(given)));
    const before = await spendings.find(key, content);
    if (before) return repeat(before);
    const fields = { modelId, reward: reward ?? minimum, lifetime: LIFETIME, input, fee: FEE };
    const spent = fields.reward + FEE;
    afford(spent);
    const signed = await sender
      .send({ type: 'request', ...fields }, (tx) => spendings.keep(key, content, spent, tx))
      .catch(async (e: unknown) => {
        if (AppError.from(e).code === 'TX_REFUSED') await spendings.drop(key);
        throw e;
      });
    return txId(signed.tx);
  }

  /** Adds the requests of the last day to the pool again, which is lost when the process ends. */
  async function resend(): Promise<void> {
    for (const signed of await spendings.all()) await repeat(signed);
  }
  // This runs before anything new is signed: a new request would get the nonce of one that is in no pool yet.
  const resent = resend().catch((e: unknown) =>
    log.warn('infer', { error: AppError.from(e).message }),
  );

  const receipt: ReceiptOf = async (id) => receiptOf(id, await spendings.sent(id));

  return {
    resent,
    names: network.names,
    fee: FEE,
    quote,
    async read(asked) {
      const priced = quote(asked.model);
      return { priced, input: await inputOf(asked, priced) };
    },
    readInput: texts.readInput,
    ask: (asked, key) => queue.run(() => ask(asked, key)),
    receipt,
    wait: (id, wanted, signal) => waitFor(chain, () => receipt(id), { id, wanted, signal }),
    spent: () => spendings.total(),
  };
}

async function waitFor(
  chain: FullChain,
  read: () => Promise<Receipt | undefined>,
  { id, wanted, signal }: { id: Uint8Array; wanted: Wanted; signal: AbortSignal },
): Promise<Receipt | undefined> {
  let moved = true;
  let wake = (): void => undefined;
  const look = (): void => {
    moved = true;
    wake();
  };
  const off = chain.subscribe((event) => concerns(event, id) && look());
  signal.addEventListener('abort', look);
  try {
    for (;;) {
      moved = false;
      const receipt = await read();
      if (wanted === 'none' || signal.aborted || (receipt && reached(receipt, wanted)))
        return receipt;
      if (!moved) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    off();
    signal.removeEventListener('abort', look);
  }
}
