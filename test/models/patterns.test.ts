/** Tokenizers whose patterns could run for ever are refused before they are packaged. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findSlow, requireQuickPatterns } from '../../models/patterns.ts';

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const base = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'Whitespace' } as object | null,
  post_processor: null,
  decoder: null as object | null,
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: { '[PAD]': 0, '[UNK]': 1, a: 2, '##a': 3 },
  },
};
const pattern = { Regex: '(a+)+$' };
const split = { type: 'Split', pattern, behavior: 'Isolated', invert: false };
const replace = { type: 'Replace', pattern, content: 'b' };

describe('a pattern that could run for ever', () => {
  it.each([
    String.raw`(a+)+$`,
    String.raw`(a*)*`,
    String.raw`(?:a+b?)+c`,
    String.raw`(a|a)*$`,
    String.raw`(?:\w|\p{L})+!`,
    String.raw`(?:[a-f]|[f-z])*$`,
    String.raw`(?:a|ab)*c`,
    String.raw`((?:x{1,3}y)z){2,}`,
    String.raw`(a?a?)*$`,
    String.raw`(?:|a)*$`,
    String.raw`(?:(?=a+)a)*`,
    String.raw`(?:(a)\1)*$`,
    String.raw`((a{2,})){3}`,
  ])('%s is found', (source) => {
    expect(findSlow(new RegExp(source, 'gu'))).toMatchObject({ pattern: source });
  });

  it.each([
    // GPT-2, and what Llama 3 and Qwen 2 split by.
    String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
    String.raw`(?:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    String.raw`[^\d]+|\d+`,
    String.raw`(?:a|b)+`,
    String.raw`(?:\p{L}|\p{N})+`,
    String.raw`(?:ab{2}|c)*d`,
    String.raw`\s+$`,
  ])('%s is none', (source) => {
    expect(findSlow(new RegExp(source, 'gu'))).toBe(undefined);
  });
});

describe('a tokenizer', () => {
  const sequence = (type: string, inner: object) => ({ type: 'Sequence', [type]: [inner] });
  it.each([
    ['to divide by', { pre_tokenizer: split }],
    ['to divide by, within a sequence', { pre_tokenizer: sequence('pretokenizers', split) }],
    ['to replace', { normalizer: replace }],
    ['to replace, within a sequence', { normalizer: sequence('normalizers', replace) }],
    ['to replace in what is shown', { decoder: replace }],
    [
      'that is no slower as a text',
      { pre_tokenizer: { ...split, pattern: { Regex: '(?:a|a)+$' } } },
    ],
  ])('is refused for a pattern %s', async (_, change) => {
    const slow = requireQuickPatterns(bytes({ ...base, ...change }));
    await expect(slow).rejects.toMatchObject({ code: 'MODEL_REFUSED' });
  });

  it('of a packaged model, or without such a pattern, is taken; what is none is corrupt', async () => {
    await requireQuickPatterns(bytes(base));
    const literal = { ...split, pattern: { String: '(a+)+$' } };
    await requireQuickPatterns(bytes({ ...base, pre_tokenizer: literal }));
    const packaged = join(import.meta.dirname, '../../models/polyglot/tokenizer.json');
    await requireQuickPatterns(readFileSync(packaged));
    const none = requireQuickPatterns(bytes({}));
    await expect(none).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
  });
});
