/** Which answers come next: ranks, the oldest now and then, shared passes, bounds. */
import { expect, it } from 'vitest';
import {
  AnswerQueue,
  OLDEST_EVERY,
  WAITING_MAX,
  type AnswerTokens,
  type Batch,
} from '../../src/miner/engine/answer-queue.ts';
import { RANKS, type Rank } from '../../src/miner/engine/miner-api.ts';

const BATCH = 4;
let last = 0;
const job = (rank: Rank, sequences: number, model = 'a', tokens = 2): AnswerTokens => ({
  id: ++last,
  rank,
  model,
  batches: [BATCH, 2],
  sequences: Array.from({ length: sequences }, (_, i) => ({
    shape: 0,
    tokens: new Uint32Array(tokens).fill(i),
  })),
});
/** Of a payer, with a sequence of each of these shapes. */
const shaped = (...shapes: number[]): AnswerTokens => ({
  ...job('payer', 0),
  sequences: shapes.map((shape) => ({ shape, tokens: new Uint32Array(2) })),
});
const queueOf = (...jobs: AnswerTokens[]): AnswerQueue => {
  const queue = new AnswerQueue();
  jobs.forEach((each) => queue.add(each));
  return queue;
};
const seats = (batch: Batch | undefined) => batch?.seats.map(({ id, at }) => [id, at]);

it('own questions come first, then payers, then strangers, each in the order they came', () => {
  const jobs = (['stranger', 'payer', 'own', 'payer', 'own'] as const).map((r) => job(r, BATCH));
  const queue = queueOf(...jobs);
  const order = jobs.map(() => queue.take()!.seats[0]!.id - jobs[0]!.id);
  expect(order).toEqual([2, 4, 1, 3, 0]);
  expect(queue.take()).toBeUndefined();
});

it('a pass is filled by all who ask the same model, and by no other', () => {
  const [one, elsewhere, two, three] = [
    job('payer', 1),
    job('payer', 1, 'b'),
    job('stranger', 2),
    job('payer', 3),
  ];
  const queue = queueOf(one, elsewhere, two, three);
  expect(queue).toMatchObject({ size: 4, passes: 3 });
  const first = queue.take()!;
  expect(first.model).toBe('a');
  expect(seats(first)).toEqual([
    [one.id, 0],
    [three.id, 0],
    [three.id, 1],
    [three.id, 2],
  ]);
  expect(first.seats[2]!.tokens).toBe(three.sequences[1]!.tokens);
  expect(seats(queue.take())).toEqual([[elsewhere.id, 0]]);
  expect(seats(queue.take())).toEqual([
    [two.id, 0],
    [two.id, 1],
  ]);
  expect(queue).toMatchObject({ size: 0, passes: 0 });
});

it('a long job is cut over passes, in order', () => {
  const long = job('payer', 2 * BATCH + 1);
  const queue = queueOf(long);
  expect(queue.passes).toBe(3);
  const taken = [queue.take(), queue.take(), queue.take()].flatMap((b) => seats(b)!);
  expect(taken).toEqual(long.sequences.map((_, at) => [long.id, at]));
});

it('a pass holds sequences of one shape, from all who ask; the first that waits leads it', () => {
  const [mixed, short, long] = [shaped(1, 0, 1, 0, 1), shaped(1, 1), shaped(0, 0, 0)];
  const queue = queueOf(mixed, short, long);
  expect(queue).toMatchObject({ size: 3, passes: 5 });
  const taken: Batch[] = [];
  for (let batch = queue.take(); batch; batch = queue.take()) taken.push(batch);
  expect(taken.map((batch) => [batch.shape, ...seats(batch)!])).toEqual([
    [1, [mixed.id, 0], [mixed.id, 2]],
    [0, [mixed.id, 1], [mixed.id, 3], [long.id, 0], [long.id, 1]],
    [1, [mixed.id, 4], [short.id, 0]],
    [1, [short.id, 1]],
    [0, [long.id, 2]],
  ]);
  expect(queue).toMatchObject({ size: 0, passes: 0 });
});

it('a stranger has a pass in time however many payers ask', () => {
  const stranger = job('stranger', 1);
  const queue = queueOf(stranger);
  for (let pass = 1; pass <= OLDEST_EVERY; pass++) {
    queue.add(job('payer', BATCH));
    queue.add(job('payer', BATCH));
    const hasStranger = seats(queue.take())!.some(([id]) => id === stranger.id);
    expect(hasStranger).toBe(pass === OLDEST_EVERY);
  }
});

it('a crowd of strangers takes one pass in eight from payers, and no more', () => {
  const strangers = Array.from({ length: 30 }, () => job('stranger', BATCH));
  const queue = queueOf(...strangers, job('payer', BATCH));
  const toStrangers = Array.from({ length: 10 * OLDEST_EVERY }, () => {
    const [{ id } = { id: 0 }] = queue.take()!.seats;
    const isStranger = strangers.some((each) => each.id === id);
    if (!isStranger) queue.add(job('payer', BATCH));
    return isStranger;
  });
  expect(toStrangers.filter(Boolean)).toHaveLength(10);
});

it('a pass out of turn is led by the rank that it is for', () => {
  const [payer, own] = [job('payer', BATCH), job('own', 1)];
  const queue = queueOf(payer, own);
  expect(queue.take('stranger')).toBeUndefined();
  expect(seats(queue.take('own'))).toEqual([
    [own.id, 0],
    [payer.id, 0],
    [payer.id, 1],
    [payer.id, 2],
  ]);
});

it('what is dropped is not run', () => {
  const [one, two] = [job('payer', 2 * BATCH), job('payer', 1)];
  const queue = queueOf(one, two);
  queue.take();
  queue.drop(one.id);
  queue.drop(999_999);
  expect(seats(queue.take())).toEqual([[two.id, 0]]);
});

it.each(RANKS)('of rank %s so many wait and so many bytes, whatever waits of others', (rank) => {
  const { jobs, bytes } = WAITING_MAX[rank];
  const queue = new AnswerQueue();
  for (const other of RANKS.filter((each) => each !== rank))
    for (let i = 0; i < WAITING_MAX[other].jobs; i++)
      expect(() => queue.add(job(other, 1))).not.toThrow();
  for (let i = 0; i < jobs; i++) expect(() => queue.add(job(rank, 1))).not.toThrow();
  const full = { code: 'BUSY' };
  expect(() => queue.add(job(rank, 1))).toThrow(expect.objectContaining(full));
  const large = new AnswerQueue();
  large.add(job(rank, 1, 'a', bytes / 4));
  expect(() => large.add(job(rank, 1))).toThrow(expect.objectContaining(full));
  // A pass makes room.
  large.take();
  large.add(job(rank, 1));
});
