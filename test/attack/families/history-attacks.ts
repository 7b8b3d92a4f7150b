/**
 * Liars about an account's history: peers that tell a payment that was none, or leave one out, to a client that has just
 * come and so has to ask. Seeds have every block, and ask nobody. Blocks need no work here: see no-work.ts.
 */
import { answer, unavailable } from '../../../src/chain/shared/answer.ts';
import { encode } from '../../../src/core/codec.ts';
import { Header } from '../../../src/core/formats.ts';
import { HISTORY_MAX, type HistoryEntry } from '../../../src/core/messages.ts';
import { NANOVOLTS } from '../../../src/core/params.ts';
import { equal, toHex } from '../../../src/lib/bytes.ts';
import { Arena, MINER, THIEF } from '../arena.ts';
import type { Attack } from '../attack-type.ts';
import { openClientJudge } from '../judges/client-judge.ts';
import { until } from '../judges/seed-judge.ts';
import { grow, withoutWork } from '../no-work.ts';
import type { Verdict } from '../verdict.ts';

const LIAR = 'a liar';
/** Blocks until the miner has coins; its payments, one in each block; more blocks above than a newcomer keeps. */
const [RICH, PAYMENTS, ABOVE] = [10, 6, 2060];

interface Told {
  readonly entries: readonly HistoryEntry[];
  /** Whether the client says that none is missing among them. */
  readonly linked: boolean;
  readonly points: number;
}

/** What a newcomer shows of the miner's history whom a liar answers first. */
async function shownBy(
  arena: Arena,
  lie: (entries: readonly HistoryEntry[], lone: Arena) => readonly HistoryEntry[],
): Promise<Told> {
  const network = withoutWork(arena.network);
  const { forger } = arena;
  const { params } = forger;
  const genesis = (await arena.chain.header(0))!;
  const lone = await Arena.open({ network, genesis, forger, open: async () => [] }, []);
  const growTo = async (upTo: number): Promise<void> =>
    void (await lone.chain.importBlock(await grow(lone, lone.chain, { miner: MINER, upTo })));
  await growTo(RICH);
  for (let i = 1; i <= PAYMENTS; i++) {
    await lone.chain.addTx(lone.pay(MINER, THIEF.address, NANOVOLTS));
    await growTo(RICH + i);
  }
  await growTo(RICH + PAYMENTS + ABOVE);

  const judge = await openClientJudge({
    name: 'lightPage',
    network,
    genesis: toHex(encode(Header, genesis)),
    model: undefined,
    async answer(peer, request) {
      // Who is honest is silent about histories: the liar is believed or nobody.
      if (peer !== LIAR && request.type === 'history') return unavailable('not now');
      const told = await answer(lone.chain, request, () => []);
      if (peer !== LIAR || told.type !== 'history') return told;
      return { ...told, entries: [...lie(told.entries, lone)] };
    },
  });
  try {
    await judge.meet(LIAR);
    const own = toHex(lone.chain.head().id);
    await until('the newcomer came to the head', async () =>
      (await judge.head()) === own ? true : undefined,
    );
    const { entries, linked } = await judge.api.history(MINER.address, HISTORY_MAX - 1);
    return { entries, linked, points: await judge.points(LIAR) };
  } finally {
    await judge.stop();
    await lone.chain.close();
    forger.params = params;
  }
}

/** A payment to the thief that was never made, between two that were: whoever is shown it gives goods for it. */
async function invented(arena: Arena): Promise<Verdict[]> {
  let id: Uint8Array | undefined;
  const told = await shownBy(arena, (entries, lone) => {
    const payment = lone.pay(MINER, THIEF.address, 1000n * NANOVOLTS);
    id = lone.idOf(payment);
    const [first, ...rest] = entries;
    if (!first) return entries;
    const position = { height: first.position.height - 1, index: 7 };
    return [first, { position, tx: payment }, ...rest];
  });
  const accepted = told.entries.some(({ tx }) => id && equal(arena.idOf(tx), id));
  return [{ accepted, fault: 'history.there', differences: [] }];
}

/** One payment is left out, and the client says that none is missing: whoever got it can't show it, nor its payer. */
async function leftOut(arena: Arena): Promise<Verdict[]> {
  const told = await shownBy(arena, (entries) => entries.filter((_, i) => i !== 1));
  const isShort = told.entries.length < PAYMENTS;
  if (!isShort) throw new Error('nothing was left out');
  return [{ accepted: told.linked, fault: 'history.whole', differences: [] }];
}

export const HISTORY_ATTACKS: readonly Attack[] = [
  {
    name: 'payment in a history that was none',
    rule: 'history.there',
    off: [],
    seam: 'any-entry',
    runs: 1,
    run: invented,
  },
  {
    name: 'history with one left out',
    rule: 'history.whole',
    off: [],
    seam: 'any-count',
    runs: 1,
    run: leftOut,
  },
];
