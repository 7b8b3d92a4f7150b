/**
 * What a tokenizer.json, which a stranger wrote, may make of a text. The library runs each of its steps as it stands:
 * memory that is used up takes the whole page with it, long before any deadline. So it is told beforehand by which
 * factor all steps together may make a text longer, and words have bounds.
 */
import { AppError } from '../../lib/errors.ts';

/** Times as long as a text all steps of one kind may make it: 18 of a compatibility form, 4 of bytes as letters. */
const GROWTH_MAX = 128;
/** Sequences within sequences. */
const DEPTH_MAX = 8;
/** Characters of one word, and of what stands before or after each. */
const WORD_CHARS_MAX = 256;
/** Tokens beside the words: Llama 3 has 256. */
export const ADDED_MAX = 4096;
/** Of words with scores each place of a text keeps all that begin there: their characters, each and all. */
const SCORED_CHARS_MAX = 32;
const SCORED_ALL_MAX = 2 ** 21;

type Part = Readonly<Record<string, unknown>>;

const refused = (why: string): AppError => new AppError('MODEL_REFUSED', `tokenizer.json ${why}`);
const partOf = (value: unknown): Part => Object(value) as Part;
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
/** As the library joins it, whatever it is. */
const lengthOf = (text: unknown): number =>
  ((text ?? '') as { toString(): string }).toString().length;

/** By type, how many times as long a step makes a text at most; those that are not named make none longer. */
type Growths = Readonly<Record<string, (part: Part) => number>>;
const GROWTH: Growths = {
  NFC: () => 3,
  NFD: () => 4,
  NFKC: () => 18,
  NFKD: () => 18,
  Precompiled: () => 18,
  BertNormalizer: () => 3,
  // A pattern may match between all letters. By `$` it would put in what stands around it.
  Replace: ({ content }) => (String(content).includes('$') ? Infinity : lengthOf(content) + 1),
  Prepend: ({ prepend }) => (lengthOf(prepend) > WORD_CHARS_MAX ? Infinity : 2),
  Metaspace: ({ replacement, str_rep: other }) =>
    Math.max(lengthOf(replacement), lengthOf(other), 1) + 1,
  ByteLevel: () => 4,
  FixedLength: ({ length }) => (Number.isInteger(length) && (length as number) > 0 ? 1 : Infinity),
  WordPiece: () => 2,
  BPEDecoder: () => 2,
  CTC: () => 2,
};
/** The same of tokens, by what puts others around them. */
const GROWTH_OF_TOKENS: Growths = {
  TemplateProcessing: ({ single, pair }) => Math.max(listOf(single).length, listOf(pair).length, 1),
  BertProcessing: () => 3,
  RobertaProcessing: () => 3,
};
/** Where a sequence of steps has them. */
const STEPS = ['normalizers', 'pretokenizers', 'processors', 'decoders'];

function growthOf(value: unknown, growths = GROWTH, depth = 0): number {
  const part = partOf(value);
  if (part.type === 'Sequence') {
    if (depth === DEPTH_MAX) return Infinity;
    const steps = STEPS.flatMap((name) => listOf(part[name]));
    return steps.reduce<number>((product, step) => product * growthOf(step, growths, depth + 1), 1);
  }
  const own = Object.entries(growths).find(([type]) => type === part.type);
  return own ? own[1](part) : 1;
}

/** Words of a vocabulary: by their ids, or a list with scores. */
function requireWords(vocab: unknown): void {
  const isScored = Array.isArray(vocab);
  const words: unknown[] = isScored
    ? vocab.map((entry: unknown) => listOf(entry)[0])
    : Object.keys(partOf(vocab));
  const most = isScored ? SCORED_CHARS_MAX : WORD_CHARS_MAX;
  let all = 0;
  for (const word of words) {
    all += lengthOf(word);
    if (lengthOf(word) > most) throw refused(`has a word of over ${most} characters`);
  }
  if (isScored && all > SCORED_ALL_MAX)
    throw refused(`has words with scores of over ${SCORED_ALL_MAX} characters in all`);
}

/** @throws AppError MODEL_REFUSED */
export function requireBounded(json: object): void {
  const parts = partOf(json);
  const { normalizer, pre_tokenizer: divider, post_processor: after, decoder } = parts;
  const made = growthOf(normalizer) * growthOf(divider) * growthOf(after, GROWTH_OF_TOKENS);
  const growth = Math.max(made, growthOf(decoder));
  if (growth > GROWTH_MAX)
    throw refused(`may make a text ${growth} times as long, over ${GROWTH_MAX}`);
  const model = partOf(parts.model);
  requireWords(model.vocab);
  const affixes = [
    ...['continuing_subword_prefix', 'continuing_subword_suffix', 'end_of_word_suffix'],
    'unk_token',
  ].map((name) => model[name]);
  const added = listOf(parts.added_tokens);
  if (added.length > ADDED_MAX)
    throw refused(`has ${added.length} added tokens, over ${ADDED_MAX}`);
  for (const text of [...affixes, ...added.map((token) => partOf(token).content)])
    if (lengthOf(text) > WORD_CHARS_MAX)
      throw refused(`has a token or affix of over ${WORD_CHARS_MAX} characters`);
}
