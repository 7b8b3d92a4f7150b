/** The report of a language model whose weights, package and passages are on this machine. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { textFromBytes } from '../../src/lib/text-file.ts';
import { toHex } from '../../src/lib/bytes.ts';
import type { ChatMessage } from '../../src/client/api.ts';
import { createChat, type Chat } from '../../src/client/models/chat.ts';
import { createTokeniser } from '../../src/client/models/tokeniser.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { readGeneration, type Generation } from '../../src/miner/generator/generation.ts';
import { TOP_P_ONE, UNIT } from '../../src/miner/generator/options.ts';
import { GENERATION_FILE, loadPackage, TOKENIZER_FILE } from '../../src/miner/package/package.ts';
import { CHATS } from '../texts/chats.ts';
import type { Passage, Passages } from '../texts/passages.ts';
import { fileOf, type PairFiles } from './language-files.ts';
import { measureLanguage } from './language-jobs.ts';
import { startLane } from './language-lane.ts';
import { languageReport } from './language-report.ts';
import type { Said } from './language.ts';
import { packageFacts } from './package-facts.ts';

/** Lanes, each with weights of float32 in memory. */
const LANES_MAX = 4;
/** The best token always. */
const GREEDY: Said = { temperature: 0, penalty: UNIT, maxTokens: 64 };
const USUAL: Said = { maxTokens: 192 };

export interface LanguageFiles extends PairFiles {
  /** passages.json of `model:texts`. */
  readonly texts: string;
  /** A folder for what is computed. */
  readonly kept: string;
}

const sha256Of = (path: string): string =>
  createHash('sha256').update(readFileSync(path)).digest('hex');

/** Tokens of each passage, cut as it says and as the model allows. */
async function tokensOf(
  passages: readonly Passage[],
  tokenizer: Uint8Array,
  { context }: Generation,
): Promise<Uint32Array[]> {
  const tokeniser = await createTokeniser(tokenizer);
  return passages.map(({ text, tokens }) =>
    tokeniser.encode(text).slice(0, Math.min(tokens, context)),
  );
}

const textOf = (chat: Chat, ids: readonly number[]): string =>
  new TextDecoder().decode(chat.bytesOf(Uint32Array.from(ids)));

export interface Reporting {
  /** Only every nth passage: for a first impression. */
  readonly every?: number;
  readonly chats?: readonly (readonly ChatMessage[])[];
  readonly log?: (line: string) => void;
}

/** @returns Markdown @throws AppError as `openFiles`, INPUT_LONG where a chat has no room in the model */
export async function reportLanguage(
  files: LanguageFiles,
  { every = 1, chats = CHATS, log = console.error }: Reporting = {},
): Promise<string> {
  const read = fileOf(files.package);
  const model = await loadPackage(read);
  const { manifest } = model;
  const [tokenizer, file] = [await read(TOKENIZER_FILE), await read(GENERATION_FILE)];
  const generation = readGeneration(manifest, file);
  const chat = await createChat(manifest, tokenizer, file);
  const { passages } = JSON.parse(textFromBytes(readFileSync(files.texts))) as Passages;
  const taken = passages.filter((_, i) => i % every === 0);
  const weights = sha256Of(files.weights);

  const count = Math.min(LANES_MAX, availableParallelism());
  const lanes = await Promise.all(Array.from({ length: count }, () => startLane(files)));
  try {
    const { compared, answers } = await measureLanguage({
      passages: await tokensOf(taken, tokenizer, generation),
      inputs: chats.map((messages) => chat.encode(messages).tokens),
      said: [GREEDY, USUAL],
      lanes,
      kept: { folder: files.kept, key: `${weights} ${toHex(model.id)}` },
      log,
    });
    const [greedy, usual] = [answers[0]!, answers[1]!];
    return languageReport(
      {
        name: manifest.name,
        facts: facts(model, generation, { weights, texts: sha256Of(files.texts), every }),
      },
      {
        passages: taken.map(({ kind }, i) => ({ kind, compared: compared[i]! })),
        greedy,
        usual,
        stops: generation.stops,
        chats: chats.map((turns, i) => ({
          turns,
          float: textOf(chat, usual.float[i]!),
          exact: textOf(chat, usual.exact[i]!),
        })),
      },
    );
  } finally {
    await Promise.all(lanes.map((lane) => lane.end()));
  }
}

function facts(
  model: ModelPackage,
  { context, defaults }: Generation,
  of: { readonly weights: string; readonly texts: string; readonly every: number },
): (readonly [string, string])[] {
  const { temperature, topK, topP, penalty } = defaults;
  const share = (value: number, one: number): string => (value / one).toFixed(2);
  return [
    ...packageFacts(model),
    ['tokens of input and answer', `${context}`],
    [
      'default options',
      `temperature ${share(temperature, UNIT)}, top-k ${topK || 'all'}, ` +
        `top-p ${share(topP, TOP_P_ONE)}, penalty ${share(penalty, UNIT)}; here with a seed of zeros`,
    ],
    ['weights, SHA-256', `\`${of.weights}\``],
    ['passages, SHA-256', `\`${of.texts}\`${of.every > 1 ? `; one of ${of.every} alone` : ''}`],
  ];
}
