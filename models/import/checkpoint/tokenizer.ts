/**
 * A checkpoint's tokenizer as the package has it. In a unit the token 0 is padding (docs/protocol.md §5.3), so where the
 * checkpoint pads with another, the two change places, here and in the table of words.
 */
import { createTokeniser } from '../../../src/client/models/tokeniser.ts';
import { utf8 } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { requireQuickPatterns } from '../../patterns.ts';
import { shown, type Json } from './json.ts';

const refuse = (message: string): AppError =>
  new AppError('MODEL_REFUSED', `tokenizer.json: ${message}`);
const object = (value: unknown): Json => Object(value) as Json;
const list = (value: unknown): readonly Json[] =>
  Array.isArray(value) ? value.map((one: unknown) => object(one)) : [];

/** Words that were added to the model's own. */
const addedOf = (file: Json): readonly Json[] => list(file.added_tokens);

/** Words and ids of the model's own. */
function vocabularyOf(model: Json): (readonly [word: unknown, id: unknown])[] {
  const { vocab } = model;
  // Unigram has a list of words with their weights.
  if (Array.isArray(vocab)) return vocab.map((entry: unknown, id) => [wordOf(entry), id] as const);
  return Object.entries(object(vocab));
}
const wordOf = (entry: unknown): unknown => (Array.isArray(entry) ? entry[0] : undefined);

/** The processors of a sequence, or the one. */
function processorsOf(processor: unknown): Json[] {
  const one = object(processor);
  return one.type === 'Sequence' ? list(one.processors).flatMap(processorsOf) : [one];
}

/** Words that stand for every text, or for words that are unknown: never padding. */
function usedOf(file: Json): Set<unknown> {
  const used = new Set<unknown>([object(file.model).unk_token]);
  for (const { special_tokens: specials, cls, sep } of processorsOf(file.post_processor)) {
    for (const name of Object.keys(object(specials))) used.add(name);
    for (const pair of [cls, sep]) if (Array.isArray(pair)) used.add(pair[0]);
  }
  const { unk_id: unknown } = object(file.model);
  if (typeof unknown === 'number') used.add(vocabularyOf(object(file.model))[unknown]?.[0]);
  return used;
}

/** Every id must be one of the model's words. @param file tokenizer.json @throws AppError MODEL_REFUSED */
export function demandIds(file: Json, vocabulary: number): void {
  const own = vocabularyOf(object(file.model));
  for (const [word, id] of [...own, ...addedOf(file).map((one) => [one.content, one.id] as const)])
    if (!Number.isSafeInteger(id) || (id as number) < 0 || (id as number) >= vocabulary)
      throw refuse(
        `${shown(word)} has the id ${shown(id)}; vocab_size of config.json is ${vocabulary}`,
      );
}

/** Names of padding that is no word of a text, also where it is not said to be special. */
const PADDINGS: readonly unknown[] = ['[PAD]', '<pad>'];

/**
 * The id that no text can have, by the first that names one: config.json, tokenizer.json, tokenizer_config.json.
 * @param told pad_token_id of config.json
 */
function paddingOf(file: Json, settings: Json, told: number): number {
  const used = usedOf(file);
  const added = addedOf(file);
  const words = new Map(vocabularyOf(object(file.model)).map(([word, id]) => [id, word]));
  const nameOf = (id: unknown): unknown =>
    added.find((one) => one.id === id)?.content ?? words.get(id);
  const isFree = (id: unknown): id is number => {
    const name = nameOf(id);
    const isSpecial = added.some((one) => one.id === id && one.special === true);
    return (
      typeof id === 'number' &&
      !used.has(name) &&
      (name === undefined || isSpecial || PADDINGS.includes(name))
    );
  };
  const { pad_token: named } = settings;
  const name = typeof named === 'string' ? named : object(named).content;
  const byName = added.find(({ content }) => content === name)?.id;
  const found = [told, object(file.padding).pad_id, byName].find(isFree);
  if (found === undefined)
    throw refuse(
      `pad_token_id ${told} of config.json is ${shown(nameOf(told))}, which texts can have; nothing else names padding`,
    );
  return found;
}

/** The file with two ids exchanged wherever one stands. */
function exchanged(file: Json, a: number, b: number): unknown {
  const of = (id: unknown): unknown => (id === a ? b : id === b ? a : id);
  const processor = (value: unknown): unknown => {
    const { type, ...rest } = object(value);
    if (type === 'Sequence') return { type, processors: list(rest.processors).map(processor) };
    const pair = (one: unknown) => (Array.isArray(one) ? [one[0], of(one[1])] : one);
    if ('cls' in rest || 'sep' in rest)
      return { type, ...rest, cls: pair(rest.cls), sep: pair(rest.sep) };
    const specials = Object.entries(object(rest.special_tokens)).map(([name, special]) => {
      const { ids, ...others } = object(special);
      return [name, { ...others, ids: Array.isArray(ids) ? ids.map(of) : ids }];
    });
    return { type, ...rest, special_tokens: Object.fromEntries(specials) as unknown };
  };
  const { model, added_tokens: added, padding, post_processor: post } = file;
  const { vocab, unk_id: unknown, ...rest } = object(model);
  const words = Array.isArray(vocab)
    ? vocab.map((_, id) => vocab[of(id) as number] as unknown)
    : Object.fromEntries(Object.entries(object(vocab)).map(([word, id]) => [word, of(id)]));
  return {
    ...file,
    model: { ...rest, ...(unknown === undefined ? {} : { unk_id: of(unknown) }), vocab: words },
    added_tokens: list(added).map((one) => ({ ...one, id: of(one.id) })),
    padding: padding ? { ...object(padding), pad_id: of(object(padding).pad_id) } : padding,
    post_processor: post ? processor(post) : post,
  };
}

/** What tokenizer_config.json may not contradict, as transformers makes it anew from there: name → name there. */
const NORMALISED = {
  do_lower_case: 'lowercase',
  strip_accents: 'strip_accents',
  tokenize_chinese_chars: 'handle_chinese_chars',
} as const;

/** Whether a normaliser makes small letters. */
function lowers(normaliser: unknown): boolean {
  const { type, lowercase, normalizers } = object(normaliser);
  return type === 'Lowercase' || lowercase === true || list(normalizers).some(lowers);
}

/** What other files of the folder say of how texts are read. */
export interface TokenizerSettings {
  /** tokenizer_config.json */
  readonly tokenizer: Json;
  /** sentence_bert_config.json */
  readonly transformer: Json;
}

function demandAgreement(file: Json, { tokenizer, transformer }: TokenizerSettings): void {
  const normaliser = object(file.normalizer);
  const isBert = normaliser.type === 'BertNormalizer';
  for (const [key, name] of Object.entries(NORMALISED)) {
    const [wanted, found] = [tokenizer[key], normaliser[name]];
    if (isBert && typeof wanted === 'boolean' && typeof found === 'boolean' && wanted !== found)
      throw refuse(`${name} is ${found}, and ${key} of tokenizer_config.json ${wanted}`);
  }
  if (transformer.do_lower_case === true && !lowers(normaliser))
    throw refuse('it keeps capitals, and do_lower_case of sentence_bert_config.json is true');
}

/** A tokenizer whose padding is 0, and the id that was. */
export interface PaddedTokenizer {
  readonly file: Uint8Array;
  readonly padding: number;
}

/**
 * @param file bytes of tokenizer.json
 * @param parsed the same, parsed
 * @param told pad_token_id of config.json
 * @throws AppError MODEL_REFUSED with the field, MODEL_CORRUPT
 */
export async function tokenizerOf(
  file: Uint8Array,
  parsed: Json,
  settings: TokenizerSettings,
  { vocabulary, told }: { readonly vocabulary: number; readonly told: number },
): Promise<PaddedTokenizer> {
  demandIds(parsed, vocabulary);
  demandAgreement(parsed, settings);
  const padding = paddingOf(parsed, settings.tokenizer, told);
  const bytes = padding ? utf8(JSON.stringify(exchanged(parsed, 0, padding))) : file;
  await requireQuickPatterns(bytes);
  // What it makes of words, of unknown ones too, are ids.
  (await createTokeniser(bytes)).encode('a \u{10FFFF} Z');
  return { file: bytes, padding };
}

/** Rows of a table that change places, in place. */
export function exchangeRows(table: Float32Array, width: number, a: number, b: number): void {
  const first = table.slice(a * width, (a + 1) * width);
  table.copyWithin(a * width, b * width, (b + 1) * width);
  table.set(first, b * width);
}
