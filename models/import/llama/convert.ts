/**
 * The whole import of a decoder of Llama's class, in Node or in a page: calibration rows, integers, graphs of all
 * shapes, known answers. The same file gives the same package in each.
 */
import { modelId, type Manifest } from '../../../src/core/manifest.ts';
import { utf8 } from '../../../src/lib/bytes.ts';
import type { ModelPackage } from '../../../src/miner/engine/backend.ts';
import {
  GENERATION_VERSION,
  readGeneration,
  type Generation,
} from '../../../src/miner/generator/generation.ts';
import { TOP_P_ONE, UNIT, type Choosing } from '../../../src/miner/generator/options.ts';
import { decoderSource } from '../../decoder/decoder.ts';
import { boundedManifest, draftOf, knownAnswer, type Draft } from '../../finish.ts';
import { calibrated } from './calibrate.ts';
import { FloatDecoder, floatModel, type FloatModel } from './float.ts';
import { foldedModel } from './fold.ts';
import { requireForm } from './form.ts';
import { kept, NO_KEEPER, type Keeper } from './keeper.ts';
import { createArithmetic, type Arithmetic } from './kernel/arithmetic.ts';
import type { Llama } from './read/llama.ts';
import { selfWritten } from './self-text.ts';

/** Of a chat: small models loop where the best token is always taken. */
const DEFAULTS: Choosing = {
  temperature: Math.round(0.7 * UNIT),
  topK: 0,
  topP: Math.round(0.9 * TOP_P_ONE),
  penalty: Math.round(1.1 * UNIT),
  maxTokens: 512,
};
/** Of a model that was not made for conversations: what was said, as one text. */
const PLAIN_TEMPLATE = '{% for message in messages %}{{ message.content }}{% endfor %}';

/** Rows of calibration that a model writes itself where none are given. */
const OWN_ROWS = 24;
const OWN_TOKENS = 240;
/** Likely tokens, but not only the likeliest. */
const OWN_CHOICE = {
  temperature: UNIT,
  topK: 400,
  topP: Math.round(0.97 * TOP_P_ONE),
  penalty: UNIT,
};

export interface DecoderImport {
  readonly llama: Llama;
  readonly labelling: Pick<Manifest, 'name' | 'licence' | 'attribution'>;
  /** Tokens of each shape of one sequence, the shortest first. */
  readonly lengths: readonly number[];
  /** Tokens to calibrate on, without the first that no input holds; none: the model writes them. */
  readonly rows?: readonly Uint32Array[];
  readonly keeper?: Keeper;
  readonly log?: (line: string) => void;
}

export interface ImportedDecoder {
  readonly model: ModelPackage;
  readonly tokenizer: Uint8Array;
  /** Bytes of generation.json. */
  readonly generation: Uint8Array;
}

/** @throws AppError MODEL_REFUSED: what has no exact form, with its field */
export async function importDecoder(input: DecoderImport): Promise<ImportedDecoder> {
  const { llama, labelling, lengths, keeper = NO_KEEPER, log = () => undefined } = input;
  const { config, tokenizer } = llama;
  requireForm(config);
  const first = config.bos!;
  const context = Math.min(lengths.at(-1) ?? 0, config.context - 1);

  const arithmetic = await createArithmetic();
  const model = foldedModel(arithmetic, floatModel(llama));
  const sequences =
    input.rows ?? (await kept(keeper, 'rows', () => ownRows(arithmetic, model, first)));
  log(`calibrating on ${sequences.length} rows of ${sequences[0]?.length ?? 0} tokens`);
  const { constants, logitUnit } = await calibrated({
    arithmetic,
    model,
    first,
    sequences,
    keeper,
    onLayer: (layer) => log(`layer ${layer + 1} of ${config.layers}`),
  });

  const generation = generationOf(llama, { first, logitUnit, context });
  const shapes = lengths.map((tokens) => ({ sequences: 1, tokens }));
  const source = decoderSource(constants, { ...labelling, shapes, tokenizer, generation });
  const open = draftOf(source);
  const draft = { ...open, manifest: boundedManifest(open) };
  readGeneration(draft.manifest, generation);
  const manifest = await answered(draft, arithmetic, { keeper, log });
  return { model: { ...draft, manifest, id: modelId(manifest) }, tokenizer, generation };
}

/** What the float model writes, half of it from a token of its own. */
function ownRows(arithmetic: Arithmetic, model: FloatModel, first: number): Uint32Array[] {
  const { vocabulary } = model.config;
  const mark = arithmetic.mark();
  const decoder = new FloatDecoder(arithmetic, model);
  decoder.place();
  const beginnings = Array.from({ length: OWN_ROWS }, (_, i) =>
    Uint32Array.from(i % 2 ? [first, 1 + Math.floor(((vocabulary - 1) * i) / OWN_ROWS)] : [first]),
  );
  const written = selfWritten(decoder, {
    beginnings,
    tokens: OWN_TOKENS + 1,
    choosing: OWN_CHOICE,
    name: 'calibration',
  });
  arithmetic.release(mark);
  // Padding stands nowhere within an input.
  return written.map((ids) => ids.subarray(1).map((id) => id || first));
}

/** Tokens that end an answer: those that the file names, and padding where it is a control word. */
function stopsOf({ config, tokenizer }: Llama): number[] {
  const { added_tokens: added } = JSON.parse(new TextDecoder().decode(tokenizer)) as {
    added_tokens?: readonly { id: number; special: boolean }[];
  };
  const endsText = added?.some(({ id, special }) => id === 0 && special) ?? false;
  return [...new Set([...(endsText ? [0] : []), ...config.stops])];
}

function generationOf(
  llama: Llama,
  { first, logitUnit, context }: { first: number; logitUnit: number; context: number },
): Uint8Array {
  const generation: Generation = {
    version: GENERATION_VERSION,
    prefix: [first],
    stops: stopsOf(llama),
    perNat: Math.round(1 / logitUnit),
    head: { rows: 0, multipliers: 1, column: 0 },
    template: llama.template ?? PLAIN_TEMPLATE,
    defaults: { ...DEFAULTS, maxTokens: Math.min(DEFAULTS.maxTokens, context) },
    context,
  };
  return utf8(JSON.stringify(generation));
}

/** The manifest with the known answers of every step: the importer's arithmetic multiplies, plain code does the rest. */
async function answered(
  draft: Draft,
  arithmetic: Arithmetic,
  { keeper, log }: Required<Pick<DecoderImport, 'keeper' | 'log'>>,
): Promise<Manifest> {
  const { manifest } = draft;
  const shapes = [];
  for (const [place, shape] of manifest.shapes.entries()) {
    const known: Uint8Array[] = [];
    for (let number = 1; number <= shape.known.length; number++) {
      const name = `known-${shape.tokens}-${number}`;
      const answer = await kept(keeper, name, () =>
        knownAnswer(draft, { place, number }, (x, w, k) => arithmetic.multiply(x, w, k)),
      );
      known.push(Uint8Array.from(answer));
    }
    log(`${known.length} steps of ${shape.tokens} tokens are answered`);
    shapes.push({ ...shape, known });
  }
  return { ...manifest, shapes };
}
