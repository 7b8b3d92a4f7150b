/** `POST /v1/embeddings`: each text's vector, of length 1. */
import { shapeFor, tokensRead, type Manifest } from '../../core/manifest.ts';
import { readEmbedding } from '../../core/reading.ts';
import { concat } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { FieldError } from '../http/http.ts';
import type { NamedModel } from '../http/inference.ts';
import type { Asking, OpenAiDeps } from './asking.ts';
import { placeOf } from './place.ts';
import { checked } from './read-body.ts';
import { EmbeddingsBody } from './schemas.ts';

/** A text as the model reads it. */
interface ReadText {
  readonly input: Uint8Array;
  readonly tokens: number;
}

/** @throws FieldError INPUT_TOKENS: they are of another model's tokenizer, and would be vectors of nonsense */
function requireTexts(body: unknown): void {
  const { input } = Object(body) as { readonly input?: unknown };
  const [first] = Array.isArray(input) ? (input as unknown[]) : [];
  if (typeof first === 'number' || Array.isArray(first))
    throw new FieldError(
      'INPUT_TOKENS',
      'input',
      'send texts: token ids are those of another tokenizer ' +
        '(LangChain’s OpenAIEmbeddings sends texts with check_embedding_ctx_length=False)',
    );
}

export async function embed(
  { inference, askPaid, priceMaxOf }: OpenAiDeps,
  { request, call, gone }: Asking,
  body: unknown,
): Promise<object> {
  requireTexts(body);
  const { model: named, input, encoding_format, dimensions } = checked(EmbeddingsBody, body);
  const { name, place } = placeOf(request, named);
  const model = await inference.find(name, ['embedding']);
  const { id, manifest } = model;
  if (dimensions && dimensions !== manifest.answerSize)
    throw new FieldError(
      'DIMENSIONS_FIXED',
      'dimensions',
      `an embedding of ${name} has ${manifest.answerSize}; cut short it would not be exact`,
    );
  const texts = typeof input === 'string' ? [input] : input;
  const read: ReadText[] = [];
  for (const [i, text] of texts.entries()) {
    read.push(await readText(inference.read, model, { text, place: i, gone }));
  }

  const price = await priceMaxOf(request, model);
  const rows: Int8Array[] = [];
  let cost = 0n;
  for (const [nth, group] of groupsOf(read, manifest).entries()) {
    requireCaller(gone);
    const question = {
      model: id,
      manifest,
      ...price,
      place,
      input: concat(...group.map((at) => read[at]!.input)),
    };
    // The same calls for the same key, of which each is paid once.
    const answer = await askPaid(question, { ...call, key: `${call.key}#${nth}` });
    cost += answer.cost;
    for (const [row, at] of group.entries())
      rows[at] = Int8Array.from(answer.rows.subarray(...rowAt(row, manifest)));
  }

  const tell = encoding_format === 'base64' ? base64Of : numbersOf;
  const tokens = read.reduce((sum, each) => sum + each.tokens, 0);
  return {
    object: 'list',
    data: rows.map((row, index) => ({
      object: 'embedding',
      index,
      embedding: tell(valuesOf(row)),
    })),
    model: name,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
    pila: { cost: String(cost) },
  };
}

function requireCaller(gone: AbortSignal): void {
  if (gone.aborted) throw new AppError('PASS_ABORTED', 'the caller has gone');
}

/** @throws FieldError with the text's place */
async function readText(
  read: OpenAiDeps['inference']['read'],
  { name, manifest }: NamedModel,
  {
    text,
    place,
    gone,
  }: { readonly text: string; readonly place: number; readonly gone: AbortSignal },
): Promise<ReadText> {
  try {
    const { input } = await read({ model: name, input: [text] }, gone);
    return { input, tokens: tokensRead(manifest, input) };
  } catch (e) {
    const { code, message } = AppError.from(e);
    if (code === 'INPUT_EMPTY' || code === 'INPUT_LONG' || code === 'INPUT_CONTROL')
      throw new FieldError(code, `input.${place}`, message);
    throw e;
  }
}

/** Places of the texts of each pass: those of one shape together, since all of a question cost what the longest does. */
function groupsOf(read: readonly ReadText[], m: Manifest): number[][] {
  const places = Map.groupBy(read.keys(), (at) => shapeFor(m, read[at]!.tokens));
  const most = m.shapes[0]!.sequences;
  return [...places.values()].flatMap((of) =>
    Array.from({ length: Math.ceil(of.length / most) }, (_, i) =>
      of.slice(i * most, (i + 1) * most),
    ),
  );
}

const rowAt = (row: number, { answerSize }: Manifest): [number, number] => [
  row * answerSize,
  (row + 1) * answerSize,
];

/** float32, of length 1 but for a row of zeros. */
function valuesOf(row: Int8Array): Float32Array {
  const { values, scale } = readEmbedding(row);
  return Float32Array.from(values, (value) => value * scale);
}

/** Nine digits say each float32 exactly. */
const numbersOf = (values: Float32Array): number[] =>
  Array.from(values, (value) => Number(value.toPrecision(9)));

/** Every machine that runs this is little-endian, and so is the form. */
const base64Of = (values: Float32Array): string => Buffer.from(values.buffer).toString('base64');
