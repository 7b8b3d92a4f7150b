/** What a seed that asks has after a restart. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { CALM } from '../../../src/chain/shared/outlook.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { createOfferBook } from '../../../src/client/channels/offer-book.ts';
import { signOffer } from '../../../src/core/offer.ts';
import { NANOVOLTS } from '../../../src/core/params.ts';
import { utf8 } from '../../../src/lib/bytes.ts';
import { OPERATOR, openSpendings } from '../../../src/node/http/spending.ts';
import { createFullChannelChain } from '../../../src/node/seed/full-channel-chain.ts';
import type { SeedDeps } from '../../../src/node/seed/seed-deps.ts';
import { openSeedPrepaid } from '../../../src/node/seed/seed-prepaid.ts';
import { createSender } from '../../../src/node/seed/sender.ts';
import { openServingKeys } from '../../../src/node/serving-file.ts';
import {
  GENESIS_ID,
  MANIFEST,
  mine,
  MODEL,
  MODELS,
  openChain,
  PARAMS,
  person,
} from '../../chain/make-blocks.ts';

const folder = mkdtempSync(join(tmpdir(), 'pila-prepaid-'));
afterAll(() => rmSync(folder, { recursive: true }));
const [own, provider] = [person(1), person(2)] as const;
const price = { type: 'sequence' as const, amount: 100n };
const offer = signOffer(
  GENESIS_ID,
  {
    provider: provider.xonly,
    payee: provider.address,
    peer: utf8('peer'),
    models: [{ model: MODEL, price, window: 0 }],
    queue: 0,
    waitSeconds: 0,
    time: Date.now(),
  },
  provider.secret,
);
const transport = {
  announceTx: async () => undefined,
  // Somebody is there, and says nothing.
  ask: async () => ({ send: async () => undefined, close: async () => undefined }),
};

test('an opening that waits is in the pool again before a caller is let in', async () => {
  const chain = await openChain();
  const blocks = await mine(chain, own, PARAMS.maturityBlocks + 1);
  const [spent, store] = [createMemoryStore(), createMemoryStore()];
  const offers = createOfferBook();
  offers.hear(offer, 'peer', Date.now(), () => true);
  const start = async (onto: typeof chain) => {
    const channelChain = createFullChannelChain({
      params: PARAMS,
      genesisId: GENESIS_ID,
      chain: onto,
      announce: transport.announceTx,
    });
    const keys = { folder, network: 'e2e' as const, genesisId: GENESIS_ID, payees: [] };
    const serving = await openServingKeys({ ...keys, now: Date.now });
    const sender = createSender(
      { chain: onto, params: PARAMS, transport: transport as unknown as SeedDeps['transport'] },
      own.secret,
    );
    const deps = {
      chain: onto,
      network: { params: PARAMS, models: MODELS, names: [MANIFEST.name] },
      options: { mine: false, prepay: NANOVOLTS },
      offers,
      sender,
      transport,
      channels: { serving, channelChain },
      packages: { manifests: MODELS },
      outlook: () => CALM,
    };
    const spendings = await openSpendings(spent, NANOVOLTS, Date.now);
    return openSeedPrepaid(deps as unknown as SeedDeps, store, spendings);
  };
  const before = await start(chain);
  const asked = { model: MODEL, manifest: MANIFEST, input: utf8('one'), priceMax: 100n };
  const gone = before
    .askPaid({ ...asked, isPriceNamed: true, place: 'network' }, { key: 'a', by: OPERATOR })
    .catch(() => undefined);
  await vi.waitUntil(() => chain.mempool.size === 1);
  before.stop();
  await gone;

  const [opening] = chain.mempool.of(own.address);
  const restarted = await openChain();
  for (const block of blocks) await restarted.importBlock(block);
  const after = await start(restarted);
  expect(restarted.mempool.of(own.address)).toEqual([opening]);
  after.stop();
});
