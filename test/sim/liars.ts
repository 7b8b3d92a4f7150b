/**
 * Dishonest peers. Each has a whole chain and some hash power like an honest seed, and vices: it makes blocks
 * that break a rule, mines in secret, relays nothing, answers with lies, floods.
 */
import { asBody, type Bodies } from '../core/fixtures.ts';
import type { FullChain } from '../../src/chain/full/full-chain.ts';
import { bodyOf, bodyRoot } from '../../src/core/tx/body.ts';
import { encode } from '../../src/core/codec.ts';
import { FAULTS, type FaultCode } from '../../src/core/faults.ts';
import type { Body, Header, HeaderCore, SignedTx } from '../../src/core/formats.ts';
import { blockId } from '../../src/core/header/header.ts';
import {
  TxAnnounce,
  type Block,
  type SyncRequest,
  type SyncResponse,
} from '../../src/core/messages.ts';
import type { NetworkRules } from '../../src/core/params.ts';
import type { Handlers } from '../../src/net/transport.ts';
import { MODEL, sign } from '../chain/make-blocks.ts';
import { without } from '../attack/without.ts';
import { FullPeer, type PeerOptions, type Surroundings } from './peers.ts';
import type { Random } from './random.ts';
import { forge, prove } from './work.ts';

export const VICES = [
  /** Blocks that break one rule, with real work. */
  'invalid',
  /** Blocks by rules of the liars' own, on which the liars build: coins from nothing, coins spent twice. */
  'fraud',
  /** Mines in secret and announces its blocks when others catch up. */
  'selfish',
  /** Blocks without work. */
  'forged',
  /** Relays nothing, answers nothing. */
  'silent',
  /** Answers that are not true. */
  'lying',
  /** Claims more work than it has, with headers that nobody worked for. */
  'boasting',
  /** More messages than anybody needs. */
  'flooding',
] as const;
export type Vice = (typeof VICES)[number];

/** Rules that a fraud leaves out: those of transactions, but for the signature's. */
const FRAUD_OFF = (Object.keys(FAULTS) as FaultCode[]).filter(
  (code) => code.startsWith('tx.') && code !== 'tx.signature',
);
const SECRET_BLOCKS_MAX = 4;

export class Liar extends FullPeer {
  readonly vices: ReadonlySet<Vice>;
  readonly #params: NetworkRules;
  /** Blocks that were found and not announced. */
  #secret: Block[] = [];
  #made = 0;

  constructor(around: Surroundings, options: PeerOptions, vices: ReadonlySet<Vice>) {
    super(around, options);
    this.vices = vices;
    this.#params = vices.has('fraud')
      ? without(around.chain.params, FRAUD_OFF)
      : around.chain.params;
  }

  protected override get params(): NetworkRules {
    return this.#params;
  }

  /** Called now and then: the misdeeds that need no found block. */
  async act(): Promise<void> {
    const { chain, random } = this;
    if (!chain || !this.transport) return;
    if (this.vices.has('forged') && random.chance(0.3)) {
      const { core, body } = this.template(chain);
      await this.announceFound({ ...forge(core, random), body });
    }
    if (this.vices.has('flooding') && random.chance(0.3)) this.#flood();
  }

  template(chain: FullChain): { core: HeaderCore; body: Body } {
    return chain.template({ miner: this.key.address, modelId: MODEL, nowMs: this.nowMs() });
  }

  #flood(): void {
    const { random } = this;
    const junk = random.chance(0.2);
    const tx = this.#spend(0n, 0);
    for (let i = random.int(50, 400); i > 0; i--) {
      const bytes = junk
        ? Uint8Array.from({ length: 200 }, () => random.int(0, 255))
        : encode(TxAnnounce, { tx, sequence: ++this.#made });
      this.transport!.publishBytes('txs', bytes);
    }
  }

  #spend(amount: bigint, nonce: number): SignedTx {
    const { address } = this.key;
    const to = this.random.chance(0.5) ? address : address.toReversed();
    const memo = new Uint8Array(8).fill(this.random.int(0, 255));
    return sign(this.key, nonce, { type: 'transfer', to, amount, memo });
  }

  protected override async found(block: Block): Promise<void> {
    const { random } = this;
    if (this.vices.has('invalid') && random.chance(0.7))
      return this.announceFound(this.#broken(block));
    if (this.vices.has('fraud') && random.chance(0.5)) return super.found(this.#fraudulent(block));
    if (!this.vices.has('selfish')) return super.found(block);
    await this.take(block);
    this.#secret.push(block);
    if (this.#secret.length >= SECRET_BLOCKS_MAX) await this.#reveal();
  }

  async #reveal(): Promise<void> {
    for (const block of this.#secret.splice(0)) await this.announceFound(block);
  }

  /** Spends what it does not have, once more under a nonce that was used. */
  #fraudulent({ header }: Block): Block {
    const amount = BigInt(this.random.int(1, 1000)) * 1_000_000_000n;
    return this.#with(header, [this.#spend(amount, this.random.int(0, 3))]);
  }

  #with(header: Header, body: Bodies): Block {
    return { ...prove({ ...header, bodyRoot: bodyRoot(asBody(body)) }), body: asBody(body) };
  }

  #broken(block: Block): Block {
    const { random } = this;
    const { header, body } = block;
    const noise = Uint8Array.from({ length: 32 }, () => random.int(0, 255));
    const make = (change: Partial<HeaderCore>): Block => ({
      ...prove({ ...header, ...change }),
      body,
    });
    const { transactions } = body;
    const twice = transactions[0] ?? this.#spend(1n, 0);
    return random.pick<() => Block>([
      () => make({ stateRoot: noise }),
      () => make({ mmrRoot: noise }),
      () => make({ totalWork: header.totalWork + 1n }),
      () => make({ slip: header.slip + 1 }),
      () => make({ time: header.time + 600_000 }),
      () => make({ time: header.time - 3_600_000 }),
      () => make({ height: header.height + 1 }),
      () => make({ model: 9 }),
      () => make({ bodyRoot: noise }),
      () => this.#with(header, [...transactions, twice, twice]),
      () => this.#with(header, [...transactions, this.#spend(10n ** 18n, 0)]),
      () =>
        this.#with(header, [
          ...transactions,
          { ...this.#spend(1n, 0), signature: new Uint8Array(64) },
        ]),
    ])();
  }

  protected override behave(handlers: Handlers): Handlers {
    const { vices, random } = this;
    return {
      ...handlers,
      onBlock: async (peer, announce) => {
        const verdict = await handlers.onBlock(peer, announce);
        const ours = this.#secret.at(-1)?.header.height;
        if (ours !== undefined && announce.block.header.height >= ours - 1) await this.#reveal();
        return vices.has('silent') ? 'ignore' : verdict;
      },
      onTx: async (peer, announce) => {
        const verdict = await handlers.onTx(peer, announce);
        return vices.has('silent') ? 'ignore' : verdict;
      },
      onRequest: async (peer, request) => {
        if (this.#secret.length) return { type: 'unavailable', reason: 'busy' };
        if (vices.has('silent') && random.chance(0.7)) return new Promise(() => {});
        if (vices.has('boasting') && random.chance(0.5)) return this.#boast(request);
        const answer = await handlers.onRequest(peer, request);
        const lies = vices.has('lying') && random.chance(0.5) && 'type' in answer;
        return lies ? falsified(answer, random) : answer;
      },
    };
  }

  #boast(request: SyncRequest): SyncResponse {
    const { header } = this.chain!.head();
    const core = this.template(this.chain!).core;
    const fake = forge({ ...core, nonce: BigInt(++this.#made) }, this.random).header;
    if (request.type === 'headers') return { type: 'headers', headers: [fake] };
    if (request.type !== 'status') return { type: 'unavailable', reason: 'busy' };
    const { height, totalWork } = fake;
    const genesis = this.around.genesis.header;
    const head = blockId(fake);
    return {
      type: 'status',
      genesis,
      head,
      agent: 'liar',
      height: height + header.height,
      totalWork: totalWork * 2n,
    };
  }
}

/** A wrong byte, something left out, or nothing at all. */
function falsified(answer: SyncResponse, random: Random): SyncResponse {
  const spoil = (bytes: Uint8Array): Uint8Array => {
    const copy = Uint8Array.from(bytes);
    if (copy.length) copy[random.int(0, copy.length - 1)]! ^= 1 << random.int(0, 7);
    return random.chance(0.2) ? copy.subarray(0, copy.length >> 1) : copy;
  };
  if ('proof' in answer) return { ...answer, proof: spoil(answer.proof) };
  switch (answer.type) {
    case 'status':
      return { ...answer, head: answer.head.toReversed(), height: answer.height + 9 };
    case 'headers': {
      const at = random.int(0, answer.headers.length);
      const change = { mmrRoot: new Uint8Array(32) };
      return {
        ...answer,
        headers: answer.headers.map((h, i) => (i === at ? { ...h, ...change } : h)),
      };
    }
    case 'blocks':
      return {
        ...answer,
        blocks: answer.blocks.map((block) => ({
          ...block,
          ...(random.chance(0.5) && { body: bodyOf(block.body.transactions.slice(1)) }),
          ...(random.chance(0.5) &&
            block.proof && { proof: { ...block.proof, rows: new Uint8Array(32) } }),
        })),
      };
    case 'history':
      return { ...answer, entries: answer.entries.slice(1) };
    case 'transactions':
    case 'find':
    case 'model':
    case 'offers':
    case 'unavailable':
      return { type: 'unavailable', reason: 'busy' };
  }
}
