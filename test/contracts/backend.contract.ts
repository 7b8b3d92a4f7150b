/**
 * What every Backend must do: one suite for the CPU and for WebGPU, against the naive oracle on the
 * model `tiny`. Run it inside a `describe`.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { plainHash } from '../../src/core/hash.ts';
import { unitShape } from '../../src/core/manifest.ts';
import { knownStep } from '../../src/core/pow/known.ts';
import { freshTokens, tokensOf } from '../../src/core/pow/seed.ts';
import type {
  Backend,
  CreateBackend,
  ModelPackage,
  PassInput,
} from '../../src/miner/engine/backend.ts';
import { createOracle, type Oracle, type OracleResult } from '../oracle/oracle-backend.ts';
import { readModel } from '../oracle/models.ts';
import { randomBytes } from '../oracle/random.ts';

export interface ContractOptions {
  /** Random units to compare; a software GPU takes fewer. */
  readonly units: number;
  /** Tiles of each linear whose ticket is checked on both sides of the limit. */
  readonly tiles: number;
}

const MOST = (1n << 256n) - 1n;
/** What a test changes about a pass. */
type Change = Partial<PassInput>;

export function backendContract(create: CreateBackend, options: ContractOptions): void {
  let model: ModelPackage;
  let backend: Backend;
  let oracle: Oracle;
  /** One unit and what the oracle says of it, shared by the tests. */
  let sigma0: Uint8Array;
  let unit: OracleResult;
  beforeAll(async () => {
    model = await readModel('tiny');
    backend = await create(model);
    oracle = await createOracle(model);
    sigma0 = randomBytes('contract', 32);
    unit = await oracle.pass({ tokens: tokensOf(sigma0, model.manifest), sigma0 });
  });
  afterAll(async () => {
    await backend.close();
    await oracle.close();
  });

  const count = () => model.manifest.linears.length;
  const none = () => model.manifest.linears.map(() => 0n);
  const pass = async (change: Change = {}) =>
    backend.pass({
      tokens: tokensOf(sigma0, model.manifest),
      sigma0,
      limits: none(),
      ...change,
    });

  it('gives the known answers', async () => {
    const { known } = unitShape(model.manifest);
    for (const number of known.keys())
      expect(await backend.step(knownStep(model.manifest, number + 1))).toEqual(known[number]);
  });

  it('gives another answer to a step from one other entry, or one other carry', async () => {
    const { known } = unitShape(model.manifest);
    const step = knownStep(model.manifest, 3);
    if (!('a' in step)) throw new Error('a step after the first');
    const a = step.a.with(5, step.a[5] === 0 ? 1 : 0);
    expect(await backend.step({ ...step, a })).not.toEqual(known[2]);
    for (const [name, values] of step.carries) {
      const carries = new Map(step.carries).set(name, values.with(0, values[0] === 0 ? 1 : 0));
      expect(await backend.step({ ...step, carries })).not.toEqual(known[2]);
    }
    expect(step.carries.size).toBeGreaterThan(0);
    expect(await backend.step(step)).toEqual(known[2]);
  });

  it('equals the oracle on random units', async () => {
    for (let i = 0; i < options.units; i++) {
      const seed = randomBytes(`unit ${i}`, 32);
      const tokens = tokensOf(seed, model.manifest);
      const want = await oracle.pass({ tokens, sigma0: seed });
      const got = await pass({ tokens, sigma0: seed });
      expect(got.x).toEqual(want.x);
      expect(got.a).toEqual(want.a);
      expect(got.y).toEqual(want.y);
      expect(got.t).toEqual(want.t);
      expect(got.answer).toEqual(want.answer);
      expect(got.winner).toBeUndefined();
      expect(got.captured).toBeUndefined();
    }
  });

  it('runs a plain pass: the same activations and answer, no transcript', async () => {
    const got = await pass({ sigma0: undefined, limits: [] });
    expect(got.x).toEqual(unit.x);
    expect(got.answer).toEqual(unit.answer);
    expect(got.t).toEqual([]);
    expect(got.winner).toBeUndefined();
  });

  it('gives a sequence the same row in every seat, whatever is beside it', async () => {
    const { answerSize } = model.manifest;
    const { sequences, tokens } = unitShape(model.manifest);
    const one = freshTokens(randomBytes('one', 32), 0, model.manifest);
    const row = async (others: (seat: number) => Uint32Array, seat: number) => {
      const all = new Uint32Array(sequences * tokens);
      for (let s = 0; s < sequences; s++) all.set(s === seat ? one : others(s), s * tokens);
      const { answer } = await pass({ tokens: all, sigma0: undefined, limits: [] });
      return answer.slice(seat * answerSize, (seat + 1) * answerSize);
    };
    const padding = () => new Uint32Array(tokens);
    const random = (s: number) => freshTokens(randomBytes('others', 32), s, model.manifest);
    const alone = await row(padding, 0);
    expect(alone.some((x) => x !== 0)).toBe(true);
    for (let seat = 0; seat < sequences; seat++)
      for (const others of [padding, random, () => one])
        expect(await row(others, seat)).toEqual(alone);
  });

  it('runs fewer sequences than a unit has, with the same rows and operands and no hashes', async () => {
    const { sequences, tokens } = unitShape(model.manifest);
    const plain = { sigma0: undefined, limits: [], capture: 2 };
    const whole = await pass(plain);
    expect(whole.captured).toEqual(unit.operands[1]);
    for (let n = 1; n < sequences; n++)
      for (let first = 0; first + n <= sequences; first++) {
        const some = tokensOf(sigma0, model.manifest).slice(first * tokens, (first + n) * tokens);
        const got = await pass({ ...plain, tokens: some });
        const part = <T extends Int8Array>(all: T) =>
          all.slice((all.length * first) / sequences, (all.length * (first + n)) / sequences);
        expect(got.answer).toEqual(part(whole.answer));
        expect(got.captured).toEqual(part(whole.captured!));
        expect([got.x, got.a, got.y, got.t]).toEqual([[], [], [], []]);
      }
    await expect(pass({ tokens: new Uint32Array(tokens) })).rejects.toThrow();
  });

  it('finds a tile at its limit and not above it', async () => {
    for (let linear = 1; linear <= count(); linear++) {
      const tickets = unit.tickets[linear - 1]!;
      const step = Math.max(1, Math.ceil(tickets.length / options.tiles));
      for (let tile = linear % step; tile < tickets.length; tile += step) {
        const limit = tickets[tile]!;
        for (const bound of [limit, limit - 1n]) {
          const limits = none().with(linear - 1, bound);
          const first = tickets.findIndex((x) => x <= bound);
          const want = first < 0 ? undefined : { linear, tile: first };
          expect((await pass({ limits, stopAfter: linear })).winner).toEqual(want);
        }
      }
    }
  });

  it('finds the lowest ticket of every linear, alone', async () => {
    for (let linear = 1; linear <= count(); linear++) {
      const tickets = unit.tickets[linear - 1]!;
      const lowest = tickets.reduce((x, y) => (x < y ? x : y));
      const limits = none().with(linear - 1, lowest);
      expect((await pass({ limits })).winner).toEqual({ linear, tile: tickets.indexOf(lowest) });
    }
  });

  it('takes the first winner in order of linear, then tile', async () => {
    expect((await pass({ limits: none().fill(MOST) })).winner).toEqual({ linear: 1, tile: 0 });
    const later = none().fill(MOST).with(0, 0n);
    expect((await pass({ limits: later })).winner).toEqual({ linear: 2, tile: 0 });
  });

  it('stops after a linear, and captures its operand', async () => {
    for (let linear = 1; linear <= count(); linear++) {
      const got = await pass({ stopAfter: linear, capture: linear });
      expect(got.x).toEqual(unit.x.slice(0, linear));
      expect(got.y).toEqual(unit.y.slice(0, linear));
      expect(got.t).toEqual(unit.t.slice(0, linear));
      expect(got.captured).toEqual(unit.operands[linear - 1]);
      expect(plainHash(new Uint8Array(got.captured!))).toEqual(got.a.at(-1));
      expect(got.answer).toHaveLength(0);
    }
    const whole = await pass({ capture: 1 });
    expect(whole.captured).toEqual(unit.operands[0]);
    expect(whole.answer).toEqual(unit.answer);
  });

  it('aborts, before and in the middle, and is whole afterwards', async () => {
    const aborted = { code: 'PASS_ABORTED' };
    await expect(pass({ signal: AbortSignal.abort() })).rejects.toMatchObject(aborted);
    const control = new AbortController();
    const { signal } = control;
    const crowd = [pass(), ...Array.from({ length: 3 }, () => pass({ signal }))];
    void crowd[0]!.then(() => control.abort());
    const ends = await Promise.allSettled(crowd);
    expect(ends.map((e) => e.status)).toEqual(['fulfilled', ...Array(3).fill('rejected')]);
    expect(ends.at(-1)).toMatchObject({ reason: aborted });
    expect((await pass()).t).toEqual(unit.t);
  });

  it('lets an abort in while it works without a rest', async () => {
    const control = new AbortController();
    setTimeout(() => control.abort(), 5);
    const work = async () => {
      for (let i = 0; i < 2000; i++) await pass({ signal: control.signal });
    };
    await expect(work()).rejects.toMatchObject({ code: 'PASS_ABORTED' });
  });

  it('keeps passes that are asked for at once apart', async () => {
    const seeds = ['x', 'y', 'x', 'y'].map((s) => randomBytes(s, 32));
    const got = await Promise.all(
      seeds.map((s) => pass({ sigma0: s, tokens: tokensOf(s, model.manifest) })),
    );
    expect(got[0]!.t).not.toEqual(got[1]!.t);
    expect(got[2]).toEqual(got[0]);
    expect(got[3]).toEqual(got[1]);
  });
}
