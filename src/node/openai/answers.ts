/** What `/v1` answers, as `/openapi.json` says it. The tests hold answers to it. */
import * as v from 'valibot';
import { GIVES } from '../http/inference.ts';
import { PLACES } from '../http/paid-inference.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const nV = v.pipe(v.string(), v.regex(/^\d+$/), v.metadata({ description: 'nV.' }));
const hex = v.pipe(v.string(), v.regex(/^[0-9a-f]*$/));

export const ErrorAnswer = v.strictObject({
  error: v.strictObject({
    code: v.pipe(v.string(), v.regex(/^[A-Z][A-Z_]+$/)),
    message: v.string(),
    type: v.string(),
    param: v.nullable(v.string()),
  }),
});

export const Model = v.strictObject({
  id: v.string(),
  object: v.literal('model'),
  created: count,
  owned_by: v.string(),
  modelId: hex,
  gives: v.picklist(GIVES),
  labels: v.array(v.string()),
  inputBytesMax: count,
  packing: v.string(),
  shapes: v.array(v.strictObject({ sequences: count, tokens: count })),
  tokenizerBytes: count,
  sequenceBytes: count,
  answerSize: count,
  macs: v.pipe(v.string(), v.regex(/^\d+$/)),
  isHere: v.boolean(),
  price: v.nullable(nV),
  priceMax: nV,
});
export const ModelList = v.strictObject({ object: v.literal('list'), data: v.array(Model) });

export const EmbeddingsAnswer = v.strictObject({
  object: v.literal('list'),
  data: v.array(
    v.strictObject({
      object: v.literal('embedding'),
      index: count,
      embedding: v.union([v.array(v.number()), v.string()]),
    }),
  ),
  model: v.string(),
  usage: v.strictObject({ prompt_tokens: count, total_tokens: count }),
  pila: v.strictObject({ cost: nV }),
});

const Usage = v.strictObject({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
});
const FinishReason = v.picklist(['stop', 'length']);
const Pila = v.strictObject({
  place: v.picklist(PLACES),
  cost: nV,
  provider: v.nullable(hex),
  sharedHex: v.nullable(hex),
});
const head = { id: v.string(), created: count, model: v.string(), system_fingerprint: hex };

export const ChatAnswer = v.strictObject({
  ...head,
  object: v.literal('chat.completion'),
  choices: v.array(
    v.strictObject({
      index: count,
      message: v.strictObject({
        role: v.literal('assistant'),
        content: v.string(),
        refusal: v.null(),
      }),
      logprobs: v.null(),
      finish_reason: FinishReason,
    }),
  ),
  usage: Usage,
  pila: Pila,
});

/** An event of a stream; the last is [DONE]. */
export const ChatChunk = v.strictObject({
  ...head,
  object: v.literal('chat.completion.chunk'),
  choices: v.array(
    v.strictObject({
      index: count,
      delta: v.strictObject({
        role: v.optional(v.literal('assistant')),
        content: v.optional(v.string()),
      }),
      logprobs: v.null(),
      finish_reason: v.nullable(FinishReason),
    }),
  ),
  usage: v.optional(v.nullable(Usage)),
  pila: v.optional(Pila),
});

const Embedding = v.strictObject({
  values: v.array(v.pipe(v.number(), v.integer(), v.minValue(-128), v.maxValue(127))),
  scale: v.number(),
});
export const InferAnswer = v.strictObject({
  state: v.literal('answered'),
  model: v.string(),
  modelId: hex,
  inputHex: hex,
  texts: v.optional(v.array(v.string())),
  cost: nV,
  answers: v.array(
    v.strictObject({
      answerHex: hex,
      labels: v.array(v.string()),
      embeddings: v.optional(v.array(Embedding)),
      cosines: v.optional(v.array(v.array(v.number()))),
    }),
  ),
  paid: v.nullable(
    v.strictObject({
      provider: hex,
      channel: hex,
      n: count,
      total: nV,
      sharedHex: v.nullable(hex),
    }),
  ),
});
export const WaitingAnswer = v.strictObject({
  state: v.literal('waiting'),
  idempotencyKey: v.string(),
});
