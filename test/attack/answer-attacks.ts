/**
 * Answers of a thief that did not run the model. An honest worker claims a request and runs the model; the
 * thief sees all that is public: the request, the worker's commitment, and the answer.
 */
import { ZERO_HASH } from '../../src/core/hash.ts';
import { NANOVOLTS, PAYEE_PERCENT, SETTLEMENT_BLOCKS } from '../../src/core/params.ts';
import { tokensOf } from '../../src/core/pow/seed.ts';
import { commitmentOf } from '../../src/core/tx/state-tx.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { utf8 } from '../../src/lib/bytes.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { randomBytes } from '../oracle/random.ts';
import { FEE, MINER, person, type Arena, type Person } from './arena.ts';
import type { Attack } from './attack-type.ts';
import type { Verdict } from './peer.ts';
import { inBlock } from './tx-attacks.ts';

export const WORKER = person('an honest worker');
let thieves = 0;

interface Job {
  readonly request: Uint8Array;
  readonly answer: Uint8Array;
  readonly execution: Uint8Array;
  /** The worker's commitment K, which is in a block. */
  readonly commitment: Uint8Array;
}

const REWARD = 10n * NANOVOLTS;
const INPUT = utf8('who knows it?');

/** Runs the model, as the honest worker does. */
async function execute({ forger: { model } }: Arena) {
  const { manifest } = model;
  const backend = await createCpuBackend(model);
  const tokens = tokensOf(ZERO_HASH, manifest, INPUT);
  const ran = await backend.pass({ tokens, sigma0: undefined, limits: [], job: true });
  await backend.close();
  const rows = ran.answer.subarray(0, (manifest.sequences - 1) * manifest.answerSize);
  return { execution: ran.execution!, answer: Uint8Array.from(rows, (x) => x & 0xff) };
}

/** A request in the chain, and the worker's claim on it. */
export const openJob = (arena: Arena): Promise<Job> =>
  arena.once('a request', async () => {
    await arena.coins();
    const { id: modelId } = arena.forger.model;
    const fields = { modelId, reward: REWARD, lifetime: 1000, input: INPUT };
    const asked = arena.sign(MINER, { type: 'request', ...fields }, undefined, FEE);
    await arena.honest([asked]);
    const request = txId(asked.tx);
    const ran = await execute(arena);
    const commitment = commitmentOf(request, WORKER.address, ran);
    await arena.honest([arena.sign(WORKER, { type: 'claim', request, commitment })]);
    return { request, commitment, ...ran };
  });

export const resultOf = (arena: Arena, who: Person, { request, answer }: Job, nonce?: number) =>
  arena.sign(who, { type: 'result', request, answer }, nonce);

/** A new thief claims with the forged K in a block, then publishes the forged answer, by gossip and in a block. */
async function claimThenShow(arena: Arena, forge: (job: Job, thief: Person) => Job) {
  const thief = person(`thief ${thieves++}`);
  const forged = forge(await openJob(arena), thief);
  const { request, commitment } = forged;
  await arena.honest([arena.sign(thief, { type: 'claim', request, commitment })]);
  const result = resultOf(arena, thief, forged);
  return [await arena.announceTx(result), await inBlock(arena, [result])];
}

/** The thief uses the worker's K and the worker's answer. */
const stolen: Attack['run'] = (arena) => claimThenShow(arena, (job) => job);

/** The thief claims with any K, to have a claim ready, then publishes the answer that somebody else finds. */
const withoutWork: Attack['run'] = (arena) =>
  claimThenShow(arena, (job) => ({ ...job, commitment: randomBytes(`K ${thieves}`, 32) }));

/** The thief makes a K without the model, from all that is public. */
const guessed: Attack['run'] = (arena) =>
  claimThenShow(arena, (job, thief) => {
    const execution = job.commitment;
    return { ...job, commitment: commitmentOf(job.request, thief.address, { ...job, execution }) };
  });

const madeUp: Attack['run'] = (arena) =>
  claimThenShow(arena, (job, thief) => {
    const ran = { execution: job.execution, answer: job.answer.map((b) => b ^ 1) };
    return { ...job, ...ran, commitment: commitmentOf(job.request, thief.address, ran) };
  });

/** The thief sees the answer, runs the model too, and puts claim and result into one block of its own. */
async function atOnce(arena: Arena): Promise<Verdict[]> {
  const thief = person(`thief ${thieves++}`);
  const job = await openJob(arena);
  const { request } = job;
  const commitment = commitmentOf(request, thief.address, job);
  const claim = arena.sign(thief, { type: 'claim', request, commitment });
  return [await inBlock(arena, [claim, resultOf(arena, thief, job, 1)])];
}

/** Whether the settlement pays that person; the request is closed afterwards. */
export async function isPaid(arena: Arena, who: Person): Promise<boolean> {
  for (let i = 0; i < SETTLEMENT_BLOCKS; i++) await arena.honest();
  arena.again('a request');
  return arena.balanceOf(who) === (REWARD * PAYEE_PERCENT) / 100n;
}

const hasWon = (arena: Arena): Promise<boolean> => isPaid(arena, person(`thief ${thieves - 1}`));

const COMMITMENT = {
  rule: 'tx.result-commitment',
  off: ['tx.result-commitment'],
  runs: 2,
} as const;

export const ANSWER_ATTACKS: readonly Attack[] = [
  { name: 'stolen answer, copied claim', ...COMMITMENT, run: stolen },
  { name: 'stolen answer, guessed claim', ...COMMITMENT, run: guessed },
  { name: 'claim without work', ...COMMITMENT, run: withoutWork },
  {
    name: 'stolen answer, claim beside it',
    rule: 'tx.result-order',
    off: ['tx.result-order'],
    runs: 3,
    run: atOnce,
    hasWon,
  },
  {
    name: 'made-up answer',
    rule: 'tx.result-answer',
    off: ['tx.result-answer', 'tx.result-commitment'],
    runs: 2,
    run: madeUp,
    hasWon,
  },
];
