/** A stranger's tokenizer.json: how much it may make of a text is known before any text is given to it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  createTokeniser,
  openTokenizer,
  parseTokenizer,
} from '../../../src/client/models/tokeniser.ts';
import { ADDED_MAX } from '../../../src/client/models/tokenizer-bounds.ts';
import { chatty } from '../../models/chatty.ts';

type Json = Record<string, unknown>;
const { tokenizer } = chatty();
const json = parseTokenizer(tokenizer) as Json;
const model = json.model as Json;

const replace = (content: string, pattern: Json = { Regex: '' }) => ({
  type: 'Replace',
  pattern,
  content,
});
const normalizers = (...steps: unknown[]) => ({
  normalizer: { type: 'Sequence', normalizers: steps },
});
const dividers = (...steps: unknown[]) => ({
  pre_tokenizer: { type: 'Sequence', pretokenizers: steps },
});
const after = (count: number) => ({
  post_processor: {
    type: 'TemplateProcessing',
    single: Array(count).fill({ Sequence: { id: 'A', type_id: 0 } }),
    pair: [],
    special_tokens: {},
  },
});
const times = <T>(count: number, step: T): T[] => Array<T>(count).fill(step);
const words = (word: string) => ({
  model: { ...model, vocab: { ...(model.vocab as Json), [word]: 7 } },
});
const scored = (word: string) => ({
  model: {
    type: 'Unigram',
    vocab: [
      ['?', 0],
      [word, 0],
    ],
    unk_id: 0,
  },
});
let deep: unknown = { type: 'NFC' };
for (let i = 0; i < 10; i++) deep = { type: 'Sequence', normalizers: [deep] };

describe('a tokenizer.json', () => {
  it('of a known model keeps within the bounds', async () => {
    for (const name of ['minilm', 'polyglot']) {
      const file = readFileSync(`models/${name}/tokenizer.json`);
      expect((await createTokeniser(file)).encode('one two').length).toBeGreaterThan(2);
    }
    expect((await createTokeniser(tokenizer)).encode('one two').length).toBeGreaterThan(1);
  });

  it.each<[string, Json, Json]>([
    [
      'doubles a text again and again',
      normalizers(...times(5, replace('x'))),
      normalizers(...times(40, replace('x'))),
    ],
    [
      'puts a long text between letters',
      normalizers(replace('x'.repeat(31))),
      normalizers(replace('x'.repeat(128))),
    ],
    ['puts in what stands before', normalizers(replace('a')), normalizers(replace('$`'))],
    [
      'puts in a list of texts',
      normalizers(replace('a')),
      normalizers({ ...replace('a'), content: [...times(99, 'ab')] }),
    ],
    [
      'begins with a long text',
      normalizers({ type: 'Prepend', prepend: 'x' }),
      normalizers({ type: 'Prepend', prepend: 'x'.repeat(257) }),
    ],
    [
      'makes compatible what it has put in',
      normalizers({ type: 'NFKC' }),
      normalizers({ type: 'NFKC' }, replace('x'), { type: 'NFKD' }),
    ],
    [
      'writes letters as bytes again and again',
      dividers({ type: 'ByteLevel' }),
      dividers(...times(8, { type: 'ByteLevel' })),
    ],
    [
      'writes spaces as long words',
      dividers({ type: 'Metaspace', replacement: '_' }),
      dividers({ type: 'Metaspace', replacement: '_', str_rep: 'x'.repeat(500) }),
    ],
    [
      'cuts into pieces of nothing',
      dividers({ type: 'FixedLength', length: 1 }),
      dividers({ type: 'FixedLength', length: 0 }),
    ],
    [
      'cuts into pieces of less',
      dividers({ type: 'FixedLength', length: 1 }),
      dividers({ type: 'FixedLength', length: -1 }),
    ],
    ['says everything many times', after(8), after(1000)],
    [
      'doubles what it reads back',
      { decoder: { type: 'Sequence', decoders: times(5, replace('x')) } },
      { decoder: { type: 'Sequence', decoders: times(40, replace('x')) } },
    ],
    [
      'hides its steps deep',
      normalizers({ type: 'Sequence', normalizers: [{ type: 'NFC' }] }),
      { normalizer: deep },
    ],
    ['has an endless word', words('x'.repeat(256)), words('x'.repeat(257))],
    ['has an endless word with a score', scored('x'.repeat(32)), scored('x'.repeat(33))],
    [
      'ends each word endlessly',
      { model: { ...model, end_of_word_suffix: '' } },
      { model: { ...model, end_of_word_suffix: 'x'.repeat(257) } },
    ],
    [
      'has an endless added token',
      { added_tokens: [{ id: 5, content: 'x'.repeat(256) }] },
      { added_tokens: [{ id: 5, content: 'x'.repeat(257) }] },
    ],
    [
      'has too many added tokens',
      { added_tokens: times(ADDED_MAX, { id: 5, content: 'xx' }) },
      { added_tokens: times(ADDED_MAX + 1, { id: 5, content: 'xx' }) },
    ],
  ])('that %s is refused before a text is given to it', async (_, fits, over) => {
    await expect(openTokenizer({ ...json, ...fits })).resolves.toBeDefined();
    await expect(openTokenizer({ ...json, ...over })).rejects.toMatchObject({
      code: 'MODEL_REFUSED',
    });
  });
});
