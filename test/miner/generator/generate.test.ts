/** Answers of a generated decoder: made token by token by real passes, then checked in one. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { OLDEST_EVERY, WAITING_MAX } from '../../../src/miner/engine/answer-queue.ts';
import type { Rank } from '../../../src/miner/engine/miner-api.ts';
import { inShape, type Backend } from '../../../src/miner/engine/backend.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import type { Made } from '../../../src/miner/generator/answer.ts';
import { openLanguage, type Language } from '../../../src/miner/generator/course.ts';
import { Generator } from '../../../src/miner/generator/generate.ts';
import { optionsOf, seedFromText, type Options } from '../../../src/miner/generator/options.ts';
import { verify } from '../../../src/miner/generator/verify.ts';
import { DECODER_SMALL, decoderPackage, generatedGeneration } from '../../models/decoder.ts';
import { naiveChoice } from '../../oracle/naive-choice.ts';
import { createOracle } from '../../oracle/oracle-backend.ts';
import { randomBytes } from '../../oracle/random.ts';
import { PassStepper } from './pass-stepper.ts';

const PATIENCE_MS = 120_000;
const SIZE = { ...DECODER_SMALL, tokens: 16, otherShapes: [{ sequences: 2, tokens: 48 }] };
const CONTEXT = 48;
const { vocabulary } = SIZE;
const file = generatedGeneration(SIZE);
const model = decoderPackage(SIZE, false, file);

let backend: Backend;
let language: Language;
beforeAll(async () => {
  backend = await createCpuBackend(model);
  language = await openLanguage(model.manifest, model.tables, file);
}, PATIENCE_MS);
afterAll(() => backend?.close());

const said = (change: Parameters<typeof optionsOf>[1] = {}): Options =>
  optionsOf(language.generation.defaults, change);
const textOf = (seed: string, length: number): Uint32Array =>
  Uint32Array.from(new Uint16Array(randomBytes(seed, 2 * length).buffer), (x) => x % vocabulary);
const open = () => {
  const stepper = new PassStepper(model, backend);
  return { stepper, generator: new Generator(language, stepper) };
};

async function all(made: AsyncIterable<Made>): Promise<{ answer: Uint32Array; finish: unknown }> {
  const tokens: Made[] = [];
  for await (const each of made) tokens.push(each);
  expect(tokens.slice(0, -1).every(({ finish }) => finish === undefined)).toBe(true);
  return {
    answer: Uint32Array.from(tokens, ({ token }) => token),
    finish: tokens.at(-1)?.finish,
  };
}

const KINDS: readonly [name: string, said: Parameters<typeof optionsOf>[1]][] = [
  ['the defaults', {}],
  ['greedy', { temperature: 0 }],
  ['greedy without a penalty', { temperature: 0, penalty: 256 }],
  ['hot', { temperature: 1024, topP: 65_536, penalty: 256 }],
  ['of three', { temperature: 512, topK: 3 }],
  ['of a narrow share', { topP: 20_000, penalty: 400 }],
  ['with stops of its own', { temperature: 700, stops: [...Array(16).keys()].map((i) => 3 * i) }],
  ['short', { maxTokens: 3 }],
];

describe.each(KINDS)('an answer, %s,', (name, change) => {
  it(
    'is right, and every change of it is found at its place',
    { timeout: PATIENCE_MS },
    async () => {
      const { generator, stepper } = open();
      const finishes = new Set<unknown>();
      for (let i = 0; i < 6; i++) {
        const input = textOf(`${name} ${i}`, 1 + 7 * i);
        const options = said({ maxTokens: 30, ...change, seed: seedFromText(`${i}`) });
        const { answer, finish } = await all(generator.generate({ input, options }));
        finishes.add(finish);
        const isStop = [2, 7, ...options.stops].includes(answer.at(-1)!);
        const room = Math.min(options.maxTokens, CONTEXT - input.length);
        if (finish === 'stop') expect(isStop).toBe(true);
        else expect([isStop, answer.length]).toEqual([false, room]);
        const judge = (other: Uint32Array) =>
          verify(language, backend, { input, options, answer: other });
        expect(await judge(answer)).toEqual({ right: true });

        for (const at of [0, answer.length >> 1, answer.length - 1]) {
          const token = answer[at]!;
          const wrong = { right: false, at, token };
          for (const other of [(token + 1) % vocabulary, 2, vocabulary, 2 ** 32 - 1])
            if (other !== token) expect(await judge(answer.with(at, other))).toEqual(wrong);
          expect(await judge(answer.subarray(0, at))).toEqual(wrong);
        }
        const end = { right: false, at: answer.length, token: undefined };
        expect(await judge(Uint32Array.of(...answer, 5))).toEqual(end);
        expect(await judge(Uint32Array.of(...answer, ...textOf('more', 99)))).toEqual(end);
      }
      expect(stepper.texts.size).toBe(0);
      expect(finishes.size).toBeGreaterThan(0);
    },
  );
});

describe('an answer', () => {
  const choosing = fc.record({
    temperature: fc.integer({ min: 0, max: 1024 }),
    topK: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 300 })),
    topP: fc.integer({ min: 1, max: 65_536 }),
    penalty: fc.integer({ min: 256, max: 600 }),
    maxTokens: fc.integer({ min: 1, max: 40 }),
    seed: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    stops: fc.array(fc.nat(vocabulary - 1), { maxLength: 6 }),
  });
  const tokens = (minLength: number, maxLength: number) =>
    fc.array(fc.nat(vocabulary - 1), { minLength, maxLength });

  it(
    'of any options is right, and wrong where one token is another',
    async () => {
      const property = fc.asyncProperty(
        tokens(1, CONTEXT - 1),
        choosing,
        fc.nat(1000),
        async (ids, change, number) => {
          const [input, options] = [Uint32Array.from(ids), said(change)];
          const { answer } = await all(open().generator.generate({ input, options }));
          const claim = { input, options, answer };
          expect(await verify(language, backend, claim)).toEqual({ right: true });
          const at = number % answer.length;
          const token = answer[at]!;
          const other = answer.with(at, (token + 1 + (number % (vocabulary - 1))) % vocabulary);
          const wrong = { right: false, at, token };
          expect(await verify(language, backend, { ...claim, answer: other })).toEqual(wrong);
        },
      );
      await fc.assert(property, { numRuns: 60 });
    },
    PATIENCE_MS,
  );

  it('is found wrong at every one of its places', async () => {
    const [input, options] = [textOf('places', 8), said({ stops: [], maxTokens: 40 })];
    const { answer } = await all(open().generator.generate({ input, options }));
    expect(answer.length).toBeGreaterThan(20);
    for (const [at, token] of answer.entries()) {
      const other = answer.with(at, (token + 13) % vocabulary);
      const wrong = { right: false, at, token };
      expect(await verify(language, backend, { input, options, answer: other })).toEqual(wrong);
    }
  });

  it(
    'is that of plain code: the naive pass, products and choices',
    async () => {
      const options = said({
        temperature: 500,
        topK: 40,
        maxTokens: 8,
        seed: seedFromText('plain'),
      });
      const input = textOf('plain', 6);
      const { answer } = await all(open().generator.generate({ input, options }));
      const { manifest, tables } = model;
      // The longer shape, where generation and check take the shorter one.
      const text = new Uint32Array(2 * CONTEXT);
      text.set([...input, ...answer]);
      const oracle = await createOracle(inShape(model, 1));
      const made = await oracle.pass({ tokens: text, sigma0: undefined });
      await oracle.close();
      const rows = new Int8Array(tables[0]!.slice().buffer);
      const multipliers = new Int16Array(tables[1]!.slice().buffer);
      const { answerSize } = manifest;
      const stops = new Set([2, 7]);
      const plain: number[] = [];
      for (let place = 0; place < answer.length; place++) {
        const at = (input.length - 1 + place) * answerSize;
        const y = made.answer.subarray(at, at + answerSize);
        const logits = Array.from(multipliers, (m, v) => {
          const row = rows.subarray(v * answerSize, (v + 1) * answerSize);
          return BigInt(m) * BigInt(row.reduce((sum, w, i) => sum + w * y[i]!, 0));
        });
        const seen = new Set([...input, ...plain].filter((id) => !stops.has(id)));
        plain.push(naiveChoice(logits, 50_000_000, options, { place, seen }));
      }
      expect(plain).toEqual([...answer]);
    },
    PATIENCE_MS,
  );

  it('of another seed, input or option is found wrong', async () => {
    const { generator } = open();
    const input = textOf('input', 9);
    const options = said({ temperature: 900, topP: 65_536, maxTokens: 24 });
    const { answer } = await all(generator.generate({ input, options }));
    const found = (change: Partial<Parameters<typeof verify>[2]>) =>
      verify(language, backend, { input, options, answer, ...change });
    expect(await found({})).toEqual({ right: true });
    for (const text of ['1', '2', '3'])
      expect(await found({ options: { ...options, seed: seedFromText(text) } })).toMatchObject({
        right: false,
      });
    expect(await found({ input: input.with(4, input[4]! ^ 1) })).toMatchObject({ right: false });
    expect(await found({ options: { ...options, temperature: 0 } })).toMatchObject({
      right: false,
    });
    expect(await found({ options: { ...options, maxTokens: answer.length - 1 } })).toEqual({
      right: false,
      at: answer.length - 1,
      token: undefined,
    });
  });

  it('ends at a stop, at its length, and where the context is full', async () => {
    const { generator } = open();
    const ends = async (length: number, change: Parameters<typeof optionsOf>[1]) => {
      const input = textOf('ends', length);
      const options = said({ temperature: 0, penalty: 1024, ...change });
      return { ...(await all(generator.generate({ input, options }))), input, options };
    };
    const free = await ends(20, { maxTokens: 12 });
    expect([free.finish, free.answer.length]).toEqual(['length', 12]);
    const stop = free.answer[5]!;
    expect(free.answer.indexOf(stop)).toBe(5);
    const stopped = await ends(20, { maxTokens: 6, stops: [stop] });
    expect([stopped.finish, stopped.answer]).toEqual(['stop', free.answer.subarray(0, 6)]);
    const full = await ends(CONTEXT - 1, { maxTokens: 5 });
    expect([full.finish, full.answer.length]).toEqual(['context', 1]);
    const exact = await ends(CONTEXT - 5, { maxTokens: 5 });
    expect([exact.finish, exact.answer.length]).toEqual(['length', 5]);
    for (const each of [free, stopped, full, exact])
      expect(await verify(language, backend, each)).toEqual({ right: true });
  });

  it('to an input that is empty, or leaves no room, is refused with both numbers', async () => {
    const { generator } = open();
    const options = said();
    for (const [length, error] of [
      [0, { code: 'INPUT_EMPTY' }],
      [CONTEXT, { code: 'INPUT_LONG', message: '48 tokens, where input and answer may have 48' }],
    ] as const) {
      const input = textOf('long', length);
      await expect(all(generator.generate({ input, options }))).rejects.toMatchObject(error);
      const claim = { input, options, answer: Uint32Array.of(1) };
      await expect(verify(language, backend, claim)).rejects.toMatchObject(error);
    }
  });
});

describe('answers by the step engine', () => {
  it('are those by passes, four at once, and right', { timeout: PATIENCE_MS }, async () => {
    const engine = await backend.steps!({ together: 6, conversations: 4 });
    const generator = new Generator(language, engine);
    // Of all lengths, so that conversations go from one shape's step to the next one's.
    const requests = Array.from({ length: 9 }, (_, i) => ({
      input: textOf(`stepped ${i}`, 1 + 5 * i),
      options: said({ seed: seedFromText(`${i}`), temperature: 120 * i, maxTokens: 30 }),
    }));
    const made = await Promise.all(requests.map((each) => all(generator.generate(each))));
    for (const [i, request] of requests.entries()) {
      expect(made[i], `${i}`).toEqual(await all(open().generator.generate(request)));
      const claim = { ...request, answer: made[i]!.answer };
      expect(await verify(language, backend, claim)).toEqual({ right: true });
    }
    const free = Array.from({ length: 4 }, () => engine.open());
    for (const each of free) engine.close(each);
  });
});

describe('several answers at once', () => {
  it('are those of each alone, in steps of two', { timeout: PATIENCE_MS }, async () => {
    const { generator, stepper } = open();
    const requests = Array.from({ length: 5 }, (_, i) => ({
      input: textOf(`several ${i}`, 3 + 4 * i),
      options: said({ maxTokens: 10 + i, seed: seedFromText(`${i}`), temperature: 600 }),
    }));
    const together = await Promise.all(requests.map((each) => all(generator.generate(each))));
    expect(Math.max(...stepper.steps.map((step) => step.conversations))).toBe(2);
    expect(Math.max(...stepper.steps.map((step) => step.tokens))).toBe(stepper.together);
    expect(stepper.texts.size).toBe(0);
    for (const [i, request] of requests.entries())
      expect(await all(open().generator.generate(request))).toEqual(together[i]);
  });

  it('end each by itself: stopped by its signal, or no longer read', async () => {
    const { generator, stepper } = open();
    const options = said({ temperature: 0, penalty: 1024, maxTokens: 30, stops: [] });
    const input = textOf('stopped', 10);
    const control = new AbortController();
    const stopped: Made[] = [];
    const reading = (async () => {
      for await (const made of generator.generate({ input, options, signal: control.signal })) {
        stopped.push(made);
        if (stopped.length === 3) control.abort();
      }
    })();
    const whole = all(generator.generate({ input: textOf('whole', 5), options }));
    await expect(reading).rejects.toMatchObject({ code: 'PASS_ABORTED' });
    expect(stopped).toHaveLength(3);
    for await (const made of generator.generate({ input, options })) {
      expect(made).toEqual(stopped[0]);
      break;
    }
    const alone = await all(open().generator.generate({ input: textOf('whole', 5), options }));
    expect(await whole).toEqual(alone);
    const again = AbortSignal.abort();
    await expect(all(generator.generate({ input, options, signal: again }))).rejects.toMatchObject({
      code: 'PASS_ABORTED',
    });
    expect(stepper.texts.size).toBe(0);
  });

  it('fail together where a step fails, and the next one goes on', async () => {
    const { stepper } = open();
    const step = stepper.step.bind(stepper);
    let isLost = true;
    stepper.step = (next) => (isLost ? Promise.reject(new Error('lost')) : step(next));
    const generator = new Generator(language, stepper);
    const options = said({ temperature: 0, maxTokens: 4 });
    const input = textOf('lost', 6);
    const both = [0, 1].map(() => all(generator.generate({ input, options })));
    for (const each of both) await expect(each).rejects.toThrow('lost');
    isLost = false;
    expect((await all(generator.generate({ input, options }))).answer.length).toBeGreaterThan(0);
    expect(stepper.texts.size).toBe(0);
  });

  it('are told where no conversation can be opened', async () => {
    const { stepper } = open();
    const openOne = stepper.open.bind(stepper);
    stepper.open = () => {
      throw new AppError('DEVICE_MEMORY', 'no room for a cache');
    };
    const generator = new Generator(language, stepper);
    const request = { input: textOf('opened', 3), options: said({ maxTokens: 2 }) };
    const refused = all(generator.generate(request));
    await expect(refused).rejects.toMatchObject({ code: 'DEVICE_MEMORY' });
    stepper.open = openOne;
    expect((await all(generator.generate(request))).answer.length).toBeGreaterThan(0);
  });

  it('leave their place at their end, whether they were read or not', async () => {
    const { generator, stepper } = open();
    const request = (i: number) => ({
      input: textOf(`left ${i}`, 3),
      options: said({ temperature: 0, maxTokens: 4 }),
    });
    const unread = [0, 1].map((i) => generator.generate(request(i)));
    const firsts = await Promise.all(unread.map((each) => each.next()));
    expect((await all(generator.generate(request(2)))).answer.length).toBeGreaterThan(0);
    expect(stepper.texts.size).toBe(0);
    for (const [i, each] of unread.entries()) {
      const { answer } = await all(each);
      const first = firsts[i]!.value as Made;
      const alone = await all(open().generator.generate(request(i)));
      expect([first.token, ...answer]).toEqual([...alone.answer]);
    }
  });

  it('are made so far ahead of their readers and no further', async () => {
    const { generator, stepper } = open();
    const options = said({ temperature: 0, penalty: 1024, maxTokens: 45 });
    const lazy = generator.generate({ input: textOf('lazy', 2), options });
    const first = (await lazy.next()).value;
    const eager = await all(generator.generate({ input: textOf('eager', 2), options }));
    expect(eager.answer.length).toBe(45);
    // In company until 32 wait for their reader.
    const together = stepper.steps.filter(({ conversations }) => conversations === 2);
    expect(together.length).toBeLessThanOrEqual(32);
    expect(together.length).toBeGreaterThan(20);
    const rest = await all(lazy);
    expect([first?.finish, rest.answer.length]).toEqual([undefined, 44]);
    expect(stepper.texts.size).toBe(0);
  });

  it('are bounded, each rank for itself', async () => {
    const { generator } = open();
    const options = said({ maxTokens: 2 });
    const input = textOf('many', 2);
    const { jobs } = WAITING_MAX.stranger;
    const many = Array.from({ length: jobs + 1 }, () =>
      all(generator.generate({ input, options, rank: 'stranger' })),
    );
    const own = all(generator.generate({ input, options }));
    const ended = await Promise.allSettled(many);
    expect(ended.slice(0, jobs).every(({ status }) => status === 'fulfilled')).toBe(true);
    expect(ended[jobs]).toMatchObject({ status: 'rejected', reason: { code: 'BUSY' } });
    expect((await own).answer.length).toBeGreaterThan(0);
  });

  it('of others rest while an own one is made, and leave it a place', async () => {
    const { generator, stepper } = open();
    const options = said({ temperature: 0, penalty: 1024, maxTokens: 20, stops: [] });
    /** Whose tokens came, in order. */
    const came: string[] = [];
    const { promise: atFourth, resolve: tellFourth } = Promise.withResolvers<void>();
    const read = async (name: string, rank: Rank) => {
      const answer: number[] = [];
      const input = textOf(name, 4);
      for await (const { token } of generator.generate({ input, options, rank })) {
        if (came.push(name) === 4) tellFourth();
        answer.push(token);
      }
      return answer;
    };
    const others = [read('stranger', 'stranger'), read('payer', 'payer')];
    // Told, not looked for: a look that comes late finds the next one begun.
    await atFourth;
    // The first took the only place of others, though its rank is the lower one.
    expect(new Set(came)).toEqual(new Set(['stranger']));
    const own = await read('own', 'own');
    const from = came.indexOf('own');
    expect(came.slice(from, came.lastIndexOf('own') + 1).join(' ')).toBe(
      came.filter((x) => x === 'own').join(' '),
    );
    const made = await Promise.all(others);
    expect(came.lastIndexOf('own')).toBeLessThan(came.lastIndexOf('stranger'));
    const alone = async (name: string) => {
      const { answer } = await all(open().generator.generate({ input: textOf(name, 4), options }));
      return [...answer];
    };
    expect(own).toEqual(await alone('own'));
    expect(made).toEqual([await alone('stranger'), await alone('payer')]);
    expect(stepper.texts.size).toBe(0);
  });

  it('of payers come first, but one in eight is whoever waits longest', async () => {
    const { generator } = open();
    const options = said({ maxTokens: 1 });
    const ended: string[] = [];
    const ask = async (name: string, rank: Rank) => {
      await all(generator.generate({ input: textOf(name, 2), options, rank }));
      ended.push(name);
    };
    const first = ask('first', 'payer');
    const strangers = ['s1', 's2'].map((name) => ask(name, 'stranger'));
    const payers = Array.from({ length: 20 }, (_, i) => ask(`p${i}`, 'payer'));
    await Promise.all([first, ...strangers, ...payers]);
    expect(ended.indexOf('s1')).toBe(OLDEST_EVERY - 1);
    expect(ended.indexOf('s2')).toBe(2 * OLDEST_EVERY - 1);
    expect(ended.filter((name) => name.startsWith('p'))).toEqual(payers.map((_, i) => `p${i}`));
  });

  it('that is stopped while nobody reads leaves its place, and says why', async () => {
    const { generator, stepper } = open();
    const options = said({ temperature: 0, penalty: 1024, maxTokens: 30, stops: [] });
    const control = new AbortController();
    const made = generator.generate({ input: textOf('why', 2), options, signal: control.signal });
    await made.next();
    control.abort(new AppError('BUSY', 'held'));
    await vi.waitUntil(() => !stepper.texts.size);
    const end = (async () => {
      for await (const _ of made);
    })();
    await expect(end).rejects.toMatchObject({ code: 'BUSY' });
  });
});
