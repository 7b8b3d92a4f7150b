/**
 * Tokenizers of decoders: texts are divided as their makers' are. What is expected was made by Hugging Face's own library
 * (tokenizers 0.23 for Python) of the same words, with each maker's own parts.
 */
import { describe, expect, test } from 'vitest';
import { createTokeniser } from '../../../../src/client/models/tokeniser.ts';
import {
  BEGIN,
  changed,
  fieldsOf,
  folderOf,
  generated,
  ggufOf,
  WORDS,
  type Fields,
  type Files,
} from './generated.ts';
import { readFiles, readGguf, refusal } from './reading.ts';

const MODEL = generated();
/** What a text becomes, as words. */
async function wordsOf(file: Uint8Array, text: string): Promise<string> {
  const { encode, decode } = await createTokeniser(file);
  const ids = encode(text);
  if (text === text.normalize('NFC') && ids[0] !== BEGIN) expect(decode(ids)).toBe(text);
  return [...ids].map((id) => WORDS[id]).join(' ');
}

describe('of a GGUF file', () => {
  const fileWith = async (change: (fields: Fields) => void): Promise<Uint8Array> => {
    const fields = fieldsOf(MODEL);
    change(fields);
    return (await readGguf(ggufOf(MODEL, fields))).tokenizer;
  };
  const TEXTS = [
    'ab 12345 1',
    "it'S it's",
    'e\u0301 é!!\n\n  ab',
    'wholeword xy',
    'ab<own>٣٣',
    ' \n\n the',
  ];
  test.each<[pre: string, words: readonly string[]]>([
    [
      'gpt-2',
      [
        'ab Ġ 1234 5 Ġ1',
        "i t ' S Ġ i t 's",
        'e Ì ģ Ġ Ã© !! ĊĊ Ġ Ġ ab',
        'w h o l e w o r d Ġ xy',
        'ab <own> Ù£Ù£',
        'Ġ ĊĊ Ġt he',
      ],
    ],
    [
      'smollm',
      [
        'ab Ġ 1 2 3 4 5 Ġ 1',
        "i t ' S Ġ i t 's",
        'e Ì ģ Ġ Ã© !! ĊĊ Ġ Ġ ab',
        'w h o l e w o r d Ġ xy',
        'ab <own> Ù£ Ù£',
        'Ġ ĊĊ Ġt he',
      ],
    ],
    [
      'llama-bpe',
      [
        'ab Ġ 123 4 5 Ġ 1',
        "i t 'S Ġ i t 's",
        'e Ì ģ Ġ Ã© !! ĊĊ Ġ Ġ ab',
        'wholeword Ġ xy',
        'ab <own> Ù£Ù£',
        'Ġ ĊĊ Ġt he',
      ],
    ],
    [
      'qwen2',
      [
        'ab Ġ 1 2 3 4 5 Ġ 1',
        "i t 'S Ġ i t 's",
        'Ã© Ġ Ã© !! ĊĊ Ġ Ġ ab',
        'w h o l e w o r d Ġ xy',
        'ab <own> Ù£ Ù£',
        'Ġ ĊĊ Ġt he',
      ],
    ],
  ])('divided as %s does', async (pre, words) => {
    const file = await fileWith((fields) => fields.set('tokenizer.ggml.pre', ['text', pre]));
    const found = [];
    for (const text of TEXTS) found.push(await wordsOf(file, text));
    expect(found).toEqual(words);
  });

  test('the first token is put before a text where the file says so, or its division does', async () => {
    const begun = async (pre: string, add: 0 | 1 | undefined) => {
      const file = await fileWith((fields) => {
        fields.set('tokenizer.ggml.pre', ['text', pre]);
        fields.delete('tokenizer.ggml.add_bos_token');
        if (add !== undefined) fields.set('tokenizer.ggml.add_bos_token', ['bool', add]);
      });
      return wordsOf(file, 'ab');
    };
    expect(await begun('smollm', undefined)).toBe('ab');
    expect(await begun('smollm', 0)).toBe('ab');
    expect(await begun('smollm', 1)).toBe('<|begin|> ab');
    expect(await begun('llama-bpe', undefined)).toBe('<|begin|> ab');
    expect(await begun('llama-bpe', 0)).toBe('ab');
  });

  test('control words are the model’s, words of its own are not, and unused ones are none', async () => {
    const types: number[] = WORDS.map((word) =>
      word === 'wholeword' ? 5 : word === '<own>' ? 4 : 1,
    );
    types[BEGIN] = 3;
    const file = await fileWith((fields) =>
      fields
        .set('tokenizer.ggml.token_type', ['i32s', types])
        .set('tokenizer.ggml.pre', ['text', 'llama-bpe'])
        .set('tokenizer.ggml.add_bos_token', ['bool', 0]),
    );
    const { controlWord } = await createTokeniser(file);
    expect(controlWord('ab<|begin|>')).toBe('<|begin|>');
    expect(controlWord('ab<own>')).toBeUndefined();
    expect(await wordsOf(file, 'wholeword')).toBe('w h o l e w o r d');
  });
});

describe('of a folder', () => {
  const tokenizerWith = (pre_tokenizer: object | null): Files =>
    changed(folderOf(MODEL), 'tokenizer.json', (json) => ({ ...json, pre_tokenizer }));
  const level = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

  test('stays as it is where nothing in it is read otherwise here', async () => {
    const files = tokenizerWith(level);
    expect((await readFiles(files)).tokenizer).toEqual(files.get('tokenizer.json'));
    expect((await readFiles(tokenizerWith(null))).tokenizer.length).toBeGreaterThan(1000);
  });

  test.each([
    [true, 'Ù£ Ù£ Ġ 1 2'],
    [false, 'Ù£Ù£ Ġ 12'],
  ])(
    'Digits know the numbers of every script; each apart: %s',
    async (individual_digits, words) => {
      const digits = { type: 'Digits', individual_digits };
      const files = tokenizerWith({ type: 'Sequence', pretokenizers: [digits, level] });
      expect(await wordsOf((await readFiles(files)).tokenizer, '٣٣ 12')).toBe(words);
    },
  );

  test('damaged: in a code', async () => {
    for (const pre of [{ type: 'Nothing' }, { type: 'Sequence', pretokenizers: [7] }])
      expect(await refusal(readFiles(tokenizerWith(pre)))).toMatch(/^MODEL_CORRUPT /);
  });
});
