/** Conversations token by token against passes over their texts, bit for bit: operands of all linears, and answers. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import { DECODER_SMALL, decoderPackage } from '../../models/decoder.ts';
import { readModel } from '../../oracle/models.ts';
import { createRandom } from '../../sim/random.ts';
import { differing, openStepping, passRows, type Row, type Stepping } from './stepping.ts';

const [SHORT, MIDDLE, CONTEXT] = [16, 32, 48];
const MODEL = decoderPackage({
  ...DECODER_SMALL,
  layers: 2,
  tokens: SHORT,
  blockKeys: 16,
  otherShapes: [MIDDLE, CONTEXT].map((tokens) => ({ sequences: 2, tokens })),
});
const LONGEST = 2;
const random = createRandom(23, 'conversations');
const textOf = (length: number): number[] =>
  Array.from({ length }, () => random.int(1, DECODER_SMALL.vocabulary - 1));

let stepping: Stepping;
beforeAll(async () => {
  stepping = await openStepping(MODEL, { together: 5, conversations: 5 });
});

/** Adds a text token by token. */
async function added(conversation: number, text: readonly number[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const token of text) rows.push(...(await stepping.step([[conversation, token]])));
  return rows;
}
const pass = async (text: readonly number[]): Promise<Row[]> =>
  (await passRows(stepping, [text], LONGEST))[0]!;
const wrong = (got: readonly Row[], want: readonly Row[]): number =>
  got.reduce((sum, row, i) => sum + differing(row, want[i]!), 0);

/** Runs a test in a conversation of its own. */
async function converse(run: (conversation: number) => Promise<void>): Promise<void> {
  const conversation = stepping.engine.open();
  try {
    await run(conversation);
  } finally {
    stepping.engine.close(conversation);
  }
}

describe('a conversation gives the rows of the pass', () => {
  it('from its first token to the last that fits, across the steps of all shapes', async () => {
    await converse(async (conversation) => {
      const text = textOf(CONTEXT);
      const rows = await added(conversation, text);
      expect(rows).toHaveLength(CONTEXT);
      expect(rows[0]).toHaveLength(MODEL.manifest.linears.length + 1);
      expect(wrong(rows, await pass(text))).toBe(0);
    });
  });

  it('where several tokens of it are added in one step', async () => {
    await converse(async (conversation) => {
      const text = textOf(SHORT + 3);
      const rows: Row[] = [];
      for (let at = 0; at < text.length; at += 4)
        rows.push(
          ...(await stepping.step(text.slice(at, at + 4).map((token) => [conversation, token]))),
        );
      expect(wrong(rows, await pass(text))).toBe(0);
    });
  });

  it('after its end was taken back and said otherwise', async () => {
    await converse(async (conversation) => {
      const [first, other] = [textOf(MIDDLE + 5), textOf(10)];
      await added(conversation, first);
      stepping.engine.truncate(conversation, 7);
      expect(stepping.engine.length(conversation)).toBe(7);
      const rows = await added(conversation, other);
      const want = await pass([...first.slice(0, 7), ...other]);
      expect(wrong(rows, want.slice(7))).toBe(0);
    });
  });

  it('beside others of other lengths, in any order', async () => {
    const texts = [textOf(CONTEXT), textOf(MIDDLE), textOf(20), textOf(9)];
    const begins = [0, 3, 15, 30];
    const conversations = texts.map(() => stepping.engine.open());
    const got: Row[][] = texts.map(() => []);
    for (let turn = 0; turn < CONTEXT; turn++) {
      const live = texts
        .flatMap((text, i) => {
          const at = turn - begins[i]!;
          return at >= 0 && at < text.length ? [{ i, token: text[at]! }] : [];
        })
        .toSorted(() => random.int(-1, 1));
      const rows = await stepping.step(live.map(({ i, token }) => [conversations[i]!, token]));
      for (const [place, { i }] of live.entries()) got[i]!.push(rows[place]!);
    }
    for (const conversation of conversations) stepping.engine.close(conversation);
    for (const [i, text] of texts.entries()) expect(wrong(got[i]!, await pass(text))).toBe(0);
  });

  it('where an earlier conversation left its rows', async () => {
    await converse(async (conversation) => void (await added(conversation, textOf(CONTEXT))));
    await converse(async (conversation) => {
      const text = textOf(5);
      expect(wrong(await added(conversation, text), await pass(text))).toBe(0);
    });
  });
});

describe('what there is no room for', () => {
  it('a token after the context: refused with both numbers, and nothing is added', async () => {
    await converse(async (conversation) => {
      await added(conversation, textOf(CONTEXT - 1));
      const two = [1, 2].map((token) => [conversation, token] as const);
      await expect(stepping.step(two)).rejects.toMatchObject({
        code: 'CONTEXT_FULL',
        message: `${CONTEXT + 1} tokens, of at most ${CONTEXT}`,
      });
      expect(stepping.engine.length(conversation)).toBe(CONTEXT - 1);
      await added(conversation, [1]);
      await expect(stepping.step([[conversation, 1]])).rejects.toMatchObject({
        code: 'CONTEXT_FULL',
      });
    });
  });

  it('a conversation more than may be open', () => {
    const open = Array.from({ length: 5 }, () => stepping.engine.open());
    expect(() => stepping.engine.open()).toThrow(expect.objectContaining({ code: 'BUSY' }));
    const before = stepping.backend.memoryBytes();
    for (const conversation of open) stepping.engine.close(conversation);
    for (let i = 0; i < 20; i++) stepping.engine.close(stepping.engine.open());
    expect(stepping.backend.memoryBytes()).toBe(before);
  });

  it('more than its tokens need: pages come as a conversation grows, and go back when it ends or is cut', async () => {
    const { engine, backend } = stepping;
    // Once as many as there may be.
    await converse((conversation) => added(conversation, textOf(CONTEXT)).then(() => undefined));
    const before = backend.memoryBytes();
    const cut = engine.open();
    for (let i = 0; i < 40; i++) {
      await added(cut, textOf(CONTEXT - engine.length(cut)));
      engine.truncate(cut, 1);
      // Two pages are free, and the third is the cut one's.
      const others = [engine.open(), engine.open()];
      for (const other of others) await added(other, [1]);
      for (const other of others) engine.close(other);
    }
    engine.close(cut);
    expect(backend.memoryBytes()).toBe(before);
  });

  it('a model that is no generator', async () => {
    const backend = await createCpuBackend(await readModel('tiny'));
    const opened = backend.steps!({ together: 1, conversations: 1 });
    await expect(opened).rejects.toMatchObject({ code: 'MODEL_REFUSED' });
  });
});
