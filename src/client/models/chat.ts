/**
 * Conversations with a language model: to the tokens of an input, by the package's template, and back from the tokens
 * of an answer. Only the template writes control tokens: of what a person typed, or a model said before, not even the
 * very words of one become it.
 */
import type { Tokenizer } from '@huggingface/tokenizers';
import type { Manifest } from '../../core/manifest.ts';
import { concat, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { readGeneration, type Generation } from '../../miner/generator/generation.ts';
import type { ChatMessage } from '../api.ts';
import { openTemplate, type ChatTemplate } from './template.ts';
import { openTokenizer, parseTokenizer, TEXT_CHARS_MAX } from './tokeniser.ts';
import { readVocabulary, withoutControls } from './vocabulary.ts';

/** Of one conversation: of 8 tokens each, they fill a context of 2,048. */
export const MESSAGES_MAX = 256;
/** Stands inside of a control word that is text. No text has it: Unicode keeps it out of interchange. */
const MARK = '\uFDD0';
/** What a byte that is no text is read as. */
const UNKNOWN = '\uFFFD';

export interface EncodedChat {
  readonly tokens: Uint32Array;
  /** As many as may be: one token of an answer has room after them. */
  readonly limit: number;
}

export interface Chat {
  /**
   * Token ids of a conversation up to where the answer begins, without the tokens that stand before every input.
   * @throws AppError INPUT_EMPTY without a question at its end, INPUT_LONG over TEXT_CHARS_MAX or MESSAGES_MAX,
   * INPUT_CONTROL with a control word that would stand there because of a text, MODEL_REFUSED
   */
  encode(messages: readonly ChatMessage[]): EncodedChat;
  /** Bytes of the text of tokens, whoever made them; control tokens have none. Pieces of a letter may be alone. */
  bytesOf(tokens: Uint32Array): Uint8Array;
}

/** @param tokenizer, generation: files that are the manifest's @throws AppError MODEL_CORRUPT, MODEL_REFUSED */
export async function createChat(
  m: Manifest,
  tokenizer: Uint8Array,
  generation: Uint8Array,
): Promise<Chat> {
  const language = readGeneration(m, generation);
  const json = parseTokenizer(tokenizer);
  const { controls, words } = readVocabulary(json, m.vocabulary);
  const template = await openTemplate(language.template);
  const plain = await openTokenizer(withoutControls(json));
  const encoder = new Encoder({ m, language, template, controls, plain });
  const unknown = utf8(UNKNOWN);
  return {
    encode: (messages) => ({ tokens: encoder.encode(messages), limit: language.context - 1 }),
    bytesOf: (tokens) => concat(...Array.from(tokens, (id) => words[id] ?? unknown)),
  };
}

interface EncoderParts {
  readonly m: Manifest;
  readonly language: Generation;
  readonly template: ChatTemplate;
  /** Ids of control words. */
  readonly controls: ReadonlyMap<string, number>;
  /** Without control words: all that it reads is text. */
  readonly plain: Tokenizer;
}

class Encoder {
  readonly #parts: EncoderParts;
  /** Finds control words, of those that begin at one place the longest. */
  readonly #control: RegExp;
  /** Letters of control words, but for spaces: where a text is cut is the template's affair. */
  readonly #letters: ReadonlySet<string>;
  readonly #controlIds: ReadonlyMap<number, string>;

  constructor(parts: EncoderParts) {
    this.#parts = parts;
    const words = [...parts.controls.keys()];
    const longestFirst = words.toSorted((a, b) => b.length - a.length);
    this.#control = new RegExp(`(${longestFirst.map(escaped).join('|') || '(?!)'})`, 'u');
    this.#letters = new Set(words.join('').replace(/\s/g, ''));
    this.#controlIds = new Map([...parts.controls].map(([word, id]) => [id, word]));
  }

  encode(messages: readonly ChatMessage[]): Uint32Array {
    const said = checked(messages);
    const pieces = this.#pieces(said, (text) => this.#marked(text));
    // Each second one is a control word. What a text could have made one of, whole or in part, is not there now.
    const own = this.#pieces(said, (text) => this.#withoutLetters(text));
    const odd = pieces.find((piece, i) => i % 2 === 1 && piece !== own[i]);
    if (odd !== undefined || pieces.length !== own.length)
      throw new AppError('INPUT_CONTROL', odd ?? 'a text changes the control words around it');
    return this.#withoutPrefix(
      pieces.flatMap((piece, i) => (i % 2 ? this.#parts.controls.get(piece)! : this.#text(piece))),
    );
  }

  /** Text, control word, text, … of the conversation, with `change` in each of its contents. */
  #pieces(messages: readonly ChatMessage[], change: (text: string) => string): string[] {
    const { language, template, controls } = this.#parts;
    const wordOf = (id: number | undefined): string =>
      [...controls].find(([, control]) => control === id)?.[0] ?? '';
    const text = template.render({
      messages: messages.map(({ role, content }) => ({ role, content: change(content) })),
      add_generation_prompt: true,
      bos_token: wordOf(language.prefix[0]),
      eos_token: wordOf(language.stops[0]),
    });
    return text.split(this.#control);
  }

  #marked(text: string): string {
    return text
      .split(this.#control)
      .map((piece, i) => (i % 2 ? piece[0] + MARK + piece.slice(1) : piece))
      .join('');
  }

  #withoutLetters(text: string): string {
    return Array.from(text, (letter) => (this.#letters.has(letter) ? MARK : letter)).join('');
  }

  #text(piece: string): number[] {
    const text = piece.replaceAll(MARK, '');
    const { ids } = this.#parts.plain.encode(text, { add_special_tokens: false });
    for (const id of ids) {
      if (!Number.isInteger(id) || id < 0 || id >= this.#parts.m.vocabulary)
        throw new AppError('MODEL_REFUSED', `tokenizer.json makes token ${id}`);
      // Its words and its control words are not kept apart.
      const control = this.#controlIds.get(id);
      if (control !== undefined) throw new AppError('INPUT_CONTROL', control);
    }
    return ids;
  }

  #withoutPrefix(ids: readonly number[]): Uint32Array {
    const { prefix } = this.#parts.language;
    const odd = prefix.findIndex((id, i) => ids[i] !== id);
    if (odd >= 0)
      throw new AppError(
        'MODEL_REFUSED',
        `the chat's template begins with token ${ids[odd]}, not with ${prefix[odd]}`,
      );
    // Padding at the end of an input is none of it.
    if (!ids.at(-1) || ids.length === prefix.length)
      throw new AppError('MODEL_REFUSED', "the chat's template ends with padding or nothing");
    return Uint32Array.from(ids.slice(prefix.length));
  }
}

/** @throws AppError INPUT_EMPTY, INPUT_LONG */
function checked(messages: readonly ChatMessage[]): ChatMessage[] {
  if (messages.length > MESSAGES_MAX)
    throw new AppError('INPUT_LONG', `${messages.length} messages; ${MESSAGES_MAX} are the most`);
  const chars = messages.reduce((sum, { content }) => sum + content.length, 0);
  if (chars > TEXT_CHARS_MAX)
    throw new AppError('INPUT_LONG', `${chars} characters; ${TEXT_CHARS_MAX} are the most`);
  const last = messages.at(-1);
  if (last?.role !== 'user' || !/[^\s\p{C}]/u.test(last.content))
    throw new AppError('INPUT_EMPTY', 'a conversation ends with a question');
  return messages.map(({ role, content }) => ({
    role,
    content: content.toWellFormed().replaceAll(MARK, UNKNOWN),
  }));
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
