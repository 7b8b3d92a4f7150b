/**
 * Bodies of `/v1`: what is enforced here is what `/openapi.json` says. A field that other servers know and this one has
 * no use for is taken at the value that asks for nothing, and refused at any other.
 */
import * as v from 'valibot';
import { list, object } from './schema-kinds.ts';

/** Texts of one call for embeddings: as many as elsewhere. */
export const TEXTS_MAX = 2048;
/** Strings that end an answer, and characters of each. */
export const STOPS_MAX = 4;
export const STOP_CHARS_MAX = 64;
/** Most ms that a call of `/v1/infer` may wait, and the ms that it waits when it does not say. */
export const WAIT_MS_MAX = 600_000;
export const WAIT_MS = 60_000;

const about = <S extends v.GenericSchema>(schema: S, description: string) =>
  v.pipe(schema, v.metadata({ description }));

const text = v.pipe(v.string(), v.minLength(1));
const model = about(v.pipe(v.string(), v.minLength(1), v.maxLength(80)), 'A name of /v1/models.');
/** A number of a range. */
const range = (least: number, most: number) =>
  v.pipe(v.number(), v.minValue(least), v.maxValue(most));
const whole = (least: number, most: number) => v.pipe(range(least, most), v.integer());
/** A field that is known and has no use here. */
const only = <const T extends string | number | boolean>(value: T) =>
  about(v.nullish(v.literal(value)), `No other value than ${JSON.stringify(value)} is taken.`);
const ignored = about(v.nullish(v.string()), 'Ignored.');

const ContentPart = object({ type: v.literal('text'), text: v.string() });
const content = v.union([v.string(), list(ContentPart, 0, 64)]);

const Message = object({
  role: about(
    v.picklist(['system', 'developer', 'user', 'assistant']),
    'A developer’s message is a system’s. The last message is a user’s.',
  ),
  content,
  refusal: about(v.nullish(v.null()), 'Nothing but null: an answer of this node may be sent back.'),
});

export const ChatBody = object({
  model,
  messages: list(Message, 1, 256),
  stream: about(v.nullish(v.boolean()), 'Server-sent events, the last of which is [DONE].'),
  stream_options: v.nullish(
    object({
      include_usage: about(v.nullish(v.boolean()), 'A last chunk with the usage and no choice.'),
      include_obfuscation: only(false),
    }),
  ),
  temperature: about(v.nullish(range(0, 4)), '0: the best token always.'),
  top_p: v.nullish(range(0, 1)),
  top_k: about(v.nullish(whole(0, 2 ** 18)), '0: all tokens.'),
  repetition_penalty: about(v.nullish(range(1, 4)), '1: none.'),
  seed: about(
    v.nullish(whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
    'The same question with the same seed has the same answer, on every device.',
  ),
  max_tokens: about(v.nullish(whole(1, 65_535)), 'Tokens of the answer at most.'),
  max_completion_tokens: about(v.nullish(whole(1, 65_535)), 'The same as max_tokens.'),
  stop: about(
    v.nullish(
      v.union([
        v.pipe(text, v.maxLength(STOP_CHARS_MAX)),
        list(v.pipe(text, v.maxLength(STOP_CHARS_MAX)), 0, STOPS_MAX),
      ]),
    ),
    'The answer ends before the first of these.',
  ),
  n: only(1),
  frequency_penalty: only(0),
  presence_penalty: only(0),
  logprobs: only(false),
  parallel_tool_calls: about(v.nullish(v.boolean()), 'Ignored: there are no tools.'),
  response_format: v.nullish(object({ type: v.literal('text') })),
  store: only(false),
  user: ignored,
  safety_identifier: ignored,
  prompt_cache_key: ignored,
});
export type ChatBody = v.InferOutput<typeof ChatBody>;

export const EmbeddingsBody = object({
  model,
  input: about(
    v.union([v.string(), list(v.string(), 1, TEXTS_MAX)]),
    'Texts, each of at most the tokens of the model’s longest shape; no token ids.',
  ),
  encoding_format: about(
    v.nullish(v.picklist(['float', 'base64'])),
    'base64: of little-endian float32.',
  ),
  dimensions: about(v.nullish(whole(1, 65_535)), 'As many as the model’s embedding has.'),
  user: ignored,
});
export type EmbeddingsBody = v.InferOutput<typeof EmbeddingsBody>;

const hex = v.pipe(v.string(), v.regex(/^([0-9a-f]{2})+$/i));
/** Below what 64 bits hold. */
export const Amount = about(v.pipe(v.string(), v.regex(/^\d{1,19}$/)), 'nV as decimal text.');
const said = v.pipe(v.string(), v.regex(/\S/, 'a text is empty'));
const common = {
  model,
  price: v.optional(Amount),
  timeoutMs: v.optional(whole(0, WAIT_MS_MAX), WAIT_MS),
};

/** A text, a list of texts, or bytes as hex. */
export const InferBody = v.union([
  object({ ...common, input: v.union([said, list(said, 1, TEXTS_MAX)]) }),
  object({ ...common, inputHex: hex }),
]);
export type InferBody = v.InferOutput<typeof InferBody>;
