/**
 * A language model to converse with, of 1 MB: a generated decoder whose package is made by the code of the real ones,
 * with a tokenizer of words (byte-level BPE, trained here) and the template of a chat. Its answers are babble of whole
 * words, and long: stops are as rare as any word. The same bytes on every machine.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decoderSource } from '../../models/decoder/decoder.ts';
import { draftOf, finishedManifest } from '../../models/finish.ts';
import { writePackage } from '../../models/write-package.ts';
import { modelId } from '../../src/core/manifest.ts';
import { utf8 } from '../../src/lib/bytes.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { GENERATION_FILE, TOKENIZER_FILE } from '../../src/miner/package/package.ts';
import {
  generatedConstants,
  generatedGeneration,
  wholeNumbers,
  type GeneratedSize,
} from './decoder.ts';

/** Control tokens, by id: padding and end of a text, begin and end of a turn, one that no template writes. */
const CONTROLS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<file_sep>'] as const;
const [END_OF_TEXT, TURN, TURN_END] = [0, 1, 2];
/** Words of several bytes. */
const MERGES = 384;
const BYTES = 256;

export const CHATTY_SIZE: GeneratedSize = {
  sequences: 1,
  tokens: 64,
  otherShapes: [128, 256].map((tokens) => ({ sequences: 1, tokens })),
  layers: 2,
  hidden: 128,
  heads: 4,
  keyHeads: 2,
  head: 32,
  ffn: 192,
  vocabulary: CONTROLS.length + BYTES + MERGES,
};

/** ChatML as SmolLM2 has it: a system's turn is put first where there is none. */
export const CHATTY_TEMPLATE =
  "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}" +
  "{{ '<|im_start|>system\\nYou are Chatty.<|im_end|>\\n' }}{% endif %}" +
  "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** One that keeps within all bounds of its steps and sizes, and would take an hour: its thread must be ended. */
export const ENDLESS_TEMPLATE =
  `{{ bos_token }}{% set x = '${'ab '.repeat(20_000)}' %}{% set x = x ~ x ~ x ~ x %}` +
  '{% for i in range(8000) %}{% for j in range(25) %}{% set y = x | title %}{% endfor %}{% endfor %}x';

/** How byte-level BPE writes bytes: those that print as themselves, others from U+0100 on (GPT-2). */
function byteLetters(): string[] {
  const prints = (b: number): boolean => (b > 32 && b < 127) || (b > 160 && b !== 173);
  let next = BYTES;
  return Array.from({ length: BYTES }, (_, b) => String.fromCharCode(prints(b) ? b : next++));
}

/** The pairs that stand together most often, one after another; of equals the first in order of code points. */
function trainedMerges(text: string, letters: readonly string[]): [string, string][] {
  const found = text.match(/ ?\p{L}+| ?[^\s\p{L}\p{N}]+/gu) ?? [];
  const counts = Map.groupBy(found, (word) => word);
  let words = [...counts].map(([word, all]) => ({
    parts: Array.from(utf8(word), (b) => letters[b]!),
    count: all.length,
  }));
  const merges: [string, string][] = [];
  while (merges.length < MERGES) {
    const pairs = new Map<string, number>();
    for (const { parts, count } of words)
      for (let i = 1; i < parts.length; i++) {
        const pair = `${parts[i - 1]} ${parts[i]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + count);
      }
    const best = [...pairs].reduce((a, b) =>
      b[1] > a[1] || (b[1] === a[1] && b[0] < a[0]) ? b : a,
    );
    const [left, right] = best[0].split(' ') as [string, string];
    merges.push([left, right]);
    words = words.map(({ parts, count }) => ({ parts: joined(parts, left, right), count }));
  }
  return merges;
}

function joined(parts: readonly string[], left: string, right: string): string[] {
  const out: string[] = [];
  for (const part of parts)
    if (part === right && out.at(-1) === left) out[out.length - 1] = left + right;
    else out.push(part);
  return out;
}

function tokenizer(): Uint8Array {
  const letters = byteLetters();
  const sample = readFileSync(new URL('../../models/import/sample.txt', import.meta.url), 'utf8');
  const english = sample.split('\n').filter((line) => /^[ -~]+$/.test(line));
  const merges = trainedMerges(english.join('\n'), letters);
  const words = [...CONTROLS, ...letters, ...merges.map((pair) => pair.join(''))];
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const level = (use_regex: boolean) => ({
    type: 'ByteLevel',
    add_prefix_space: false,
    trim_offsets: true,
    use_regex,
  });
  const digits = { Regex: '\\p{N}' };
  const number = { type: 'Split', pattern: digits, behavior: 'Isolated', invert: false };
  return utf8(
    JSON.stringify({
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: CONTROLS.map((content, id) => ({ id, content, ...plain, special: true })),
      normalizer: null,
      pre_tokenizer: { type: 'Sequence', pretokenizers: [number, level(true)] },
      post_processor: null,
      decoder: level(true),
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: Object.fromEntries(words.map((word, id) => [word, id])),
        merges,
      },
    }),
  );
}

export interface Chatty {
  readonly model: ModelPackage;
  /** Bytes of tokenizer.json and generation.json, which the manifest names. */
  readonly tokenizer: Uint8Array;
  readonly generation: Uint8Array;
}

/** Files that a package names instead of its own: what somebody else may write. */
export interface ChattyChange {
  readonly tokenizer?: Uint8Array;
  readonly generation?: Uint8Array;
}

/** The package in memory, with its known answers: some seconds. */
export function chatty(change: ChattyChange = {}): Chatty {
  const files = {
    tokenizer: change.tokenizer ?? tokenizer(),
    generation:
      change.generation ??
      generatedGeneration(CHATTY_SIZE, {
        prefix: [TURN],
        stops: [END_OF_TEXT, TURN_END],
        template: CHATTY_TEMPLATE,
      }),
  };
  const constants = generatedConstants(CHATTY_SIZE);
  const { sequences, tokens, otherShapes = [], vocabulary } = CHATTY_SIZE;
  const plain = wholeNumbers(vocabulary, 2000, 10);
  const draft = draftOf(
    decoderSource(
      {
        ...constants,
        // A small multiplier is a logit near 0: bytes that are no words of their own come seldom.
        multipliers: Int16Array.from(plain, (x, id) =>
          id < CONTROLS.length + BYTES ? 1000 : 6000 + x,
        ),
      },
      {
        name: 'chatty',
        licence: 'none: generated',
        attribution: '',
        shapes: [{ sequences, tokens }, ...otherShapes],
        ...files,
      },
    ),
  );
  const manifest = finishedManifest(draft);
  return { model: { ...draft, manifest, id: modelId(manifest) }, ...files };
}

/** Writes the package as a folder, as one that was fetched or imported lies on disk. @returns it */
export function writeChatty(folder: string, made = chatty()): Chatty {
  writePackage(folder, made.model);
  writeFileSync(join(folder, TOKENIZER_FILE), made.tokenizer);
  writeFileSync(join(folder, GENERATION_FILE), made.generation);
  return made;
}
