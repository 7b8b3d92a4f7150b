/**
 * tokenizer.json of what a GGUF file tells: words, merges, and the name by which llama.cpp knows how texts are divided
 * before words are looked for. The files of the models' makers have the same parts (llama.cpp, `llama-vocab.cpp`).
 */
import { utf8 } from '../../../../src/lib/bytes.ts';
import { AppError } from '../../../../src/lib/errors.ts';
import { TOKENIZER_BYTES_MAX } from '../../../../src/miner/package/package.ts';
import { shown } from '../../checkpoint/json.ts';
import type { Fields } from './fields.ts';
import type { Gguf } from './gguf.ts';
import { digits, split } from './tokenizer.ts';

/** How texts are divided before words are looked for. */
interface Division {
  readonly normalizer: object | null;
  readonly before: readonly object[];
  /** A word that is there is taken whole, whatever its merges. */
  readonly wholeWords?: true;
  /** The first token is put before each text unless the file says otherwise. */
  readonly bos?: true;
}

const bytes = (use_regex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex,
});
/** The pattern of GPT-4's tokenizer; `digits` are those of a number that stay together. */
const words = (digits: string) =>
  split(
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" +
      digits +
      '| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
  );

const DIVISIONS: ReadonlyMap<string, Division> = new Map<string, Division>([
  ['gpt-2', { normalizer: null, before: [bytes(true)] }],
  ['smollm', { normalizer: null, before: [digits(true), bytes(true)] }],
  [
    'llama-bpe',
    { normalizer: null, before: [words('\\p{N}{1,3}'), bytes(false)], wholeWords: true, bos: true },
  ],
  ['qwen2', { normalizer: { type: 'NFC' }, before: [words('\\p{N}'), bytes(false)] }],
]);

/** Kinds of words in `tokenizer.ggml.token_type`. */
const [NORMAL, CONTROL, OWN, UNUSED] = [1, 3, 4, 5];
const TOKENS = 'tokenizer.ggml.tokens';
const TYPES = 'tokenizer.ggml.token_type';
const MERGES = 'tokenizer.ggml.merges';

/** Words of the model, by id. @throws AppError MODEL_REFUSED: none, or a list of something else */
export function wordsOf(gguf: Gguf, fields: Fields): readonly string[] {
  const found = gguf.list(TOKENS);
  if (!found?.every((word) => typeof word === 'string'))
    throw fields.refuse(TOKENS, 'is no list of texts');
  return found;
}

/** Words that are used → id. */
function vocabularyOf(words: readonly string[], types: readonly unknown[], fields: Fields) {
  const vocabulary = new Map<string, number>();
  const added: object[] = [];
  for (const [id, content] of words.entries()) {
    const type = types[id];
    if (type === UNUSED) continue;
    if (type !== NORMAL && type !== CONTROL && type !== OWN)
      throw fields.refuse(TYPES, `of ${shown(content)} is ${shown(type)}, not 1, 3, 4 or 5`);
    if (vocabulary.has(content)) throw fields.refuse(TOKENS, `has ${shown(content)} twice`);
    vocabulary.set(content, id);
    if (type === NORMAL) continue;
    const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    added.push({ id, content, ...plain, special: type === CONTROL });
  }
  return { vocabulary, added };
}

/** Pairs of words that become one. */
function mergesOf(gguf: Gguf, vocabulary: ReadonlyMap<string, number>, fields: Fields) {
  return (gguf.list(MERGES) ?? []).map((merge) => {
    const pair = typeof merge === 'string' ? merge.split(' ') : [];
    const isPair = pair.length === 2 && [...pair, pair.join('')].every((w) => vocabulary.has(w));
    if (!isPair) throw fields.refuse(MERGES, `has ${shown(merge)}, no two words that make a third`);
    return pair;
  });
}

/** Puts a token before each text. */
function beginningWith(content: string, id: number): object {
  const first = { SpecialToken: { id: content, type_id: 0 } };
  const rest = (name: string, type_id: number) => ({ Sequence: { id: name, type_id } });
  return {
    type: 'TemplateProcessing',
    single: [first, rest('A', 0)],
    pair: [first, rest('A', 0), rest('B', 1)],
    special_tokens: { [content]: { id: content, ids: [id], tokens: [content] } },
  };
}

/**
 * @param words of `wordsOf`
 * @param bos the token that begins a text, where the file names one
 * @throws AppError MODEL_REFUSED, with the field
 */
export function tokenizerOfGguf(
  gguf: Gguf,
  fields: Fields,
  words: readonly string[],
  bos: number | undefined,
): Uint8Array {
  fields.demand({
    'tokenizer.ggml.model': ['gpt2'],
    'tokenizer.ggml.add_space_prefix': [false],
    'tokenizer.ggml.add_eos_token': [false],
  });
  const name = 'tokenizer.ggml.pre';
  const division = DIVISIONS.get(String(fields.get(name)));
  if (!division)
    throw fields.refuse(
      name,
      `is ${shown(fields.get(name))}; ${[...DIVISIONS.keys()].join(', ')} are known`,
    );
  const types = gguf.list(TYPES) ?? [];
  if (types.length !== words.length)
    throw fields.refuse(TYPES, `has ${types.length} entries for ${words.length} words`);
  const { vocabulary, added } = vocabularyOf(words, types, fields);
  const hasBos = fields.flag('tokenizer.ggml.add_bos_token', division.bos ?? false);
  if (hasBos && bos === undefined)
    throw fields.refuse('tokenizer.ggml.bos_token_id', 'is missing, and add_bos_token is set');
  const file = utf8(
    JSON.stringify({
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: division.normalizer,
      pre_tokenizer: { type: 'Sequence', pretokenizers: division.before },
      post_processor: hasBos ? beginningWith(words[bos!]!, bos!) : null,
      decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: division.wholeWords ?? false,
        vocab: Object.fromEntries(vocabulary),
        merges: mergesOf(gguf, vocabulary, fields),
      },
    }),
  );
  if (file.length > TOKENIZER_BYTES_MAX)
    throw new AppError(
      'MODEL_REFUSED',
      `a tokenizer.json of ${file.length} bytes; ${TOKENIZER_BYTES_MAX} are the most`,
    );
  return file;
}
