/**
 * `POST /v1/chat/completions`: an answer of a language model, by this node or by a provider for pay, whole or as it
 * comes. Whoever leaves ends it, unless the caller named a key by which to come back for what is paid.
 */
import { randomUUID } from 'node:crypto';
import { inputTokens, withoutPadding } from '../../core/manifest.ts';
import { tokensFromBytes } from '../../core/reading.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Generation } from '../../miner/generator/generation.ts';
import { encodeOptions } from '../../miner/generator/options.ts';
import { FieldError } from '../http/http.ts';
import type { NamedModel } from '../http/inference.ts';
import type { Answer, Question } from '../http/paid-inference.ts';
import { AnswerText } from './answer-text.ts';
import type { Asking, OpenAiDeps } from './asking.ts';
import { choosingOf, converse, stopsOf, type Conversed } from './chat-question.ts';
import { Events } from './events.ts';
import { placeOf } from './place.ts';
import { checked } from './read-body.ts';
import { ChatBody } from './schemas.ts';

/** Why an answer ends: by itself or before a string, or as long as it may be. */
type FinishReason = 'stop' | 'length';

/** How an answer came out. */
interface Said {
  readonly finish: FinishReason;
  /** Tokens that the model gave. */
  readonly tokens: number;
  /** Of a provider. */
  readonly answer: Answer | undefined;
}

interface ChatQuestion {
  readonly deps: OpenAiDeps;
  readonly model: NamedModel;
  readonly generation: Generation;
  readonly conversed: Conversed;
  readonly question: Question;
  readonly asking: Asking;
}

/** Takes tokens in the order of the answer. @returns whether a string has ended it */
type Hear = (tokens: Uint32Array) => Promise<boolean>;

export async function chat(
  deps: OpenAiDeps,
  asking: Asking,
  json: unknown,
): Promise<object | undefined> {
  const body = checked(ChatBody, json);
  if (body.stream_options && !body.stream)
    throw new FieldError('BODY_MALFORMED', 'stream_options', 'stream_options needs stream: true');
  const asked = await questionOf(deps, asking, body);
  return body.stream ? streamed(asked, body) : whole(asked);
}

async function questionOf(deps: OpenAiDeps, asking: Asking, body: ChatBody): Promise<ChatQuestion> {
  const { inference } = deps;
  const { name, place } = placeOf(asking.request, body.model);
  const model = await inference.find(name, ['text']);
  const { id, manifest } = model;
  const generation = await inference.generation(model);
  const conversed = await converse(inference, model, body.messages, leavingOf(asking));
  const chosen = choosingOf(body, generation, asking.call.key);
  const room = generation.context - conversed.tokens;
  const price = await deps.priceMaxOf(asking.request, model);
  const tokens = { options: encodeOptions(chosen), most: Math.min(chosen.maxTokens, room) };
  const stops = stopsOf(body);
  const question = { model: id, manifest, input: conversed.input, ...price, place, tokens, stops };
  return { deps, model, generation, conversed, question, asking };
}

/** What gives an answer up: a caller with a key of its own comes back for it. */
const leavingOf = ({ isKeyed, gone }: Asking): AbortSignal | undefined =>
  isKeyed ? undefined : gone;

async function whole(asked: ChatQuestion): Promise<object> {
  let content = '';
  const said = await speak(asked, async (text) => void (content += text));
  const message = { role: 'assistant', content, refusal: null };
  return {
    ...headOf(asked, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: said.finish }],
    usage: usageOf(asked, said),
    pila: tellPaid(said),
  };
}

async function streamed(asked: ChatQuestion, body: ChatBody): Promise<undefined> {
  const events = new Events(asked.asking.response, asked.asking.gone);
  const isUsageWanted = body.stream_options?.include_usage ?? false;
  const head = {
    ...headOf(asked, 'chat.completion.chunk'),
    ...(isUsageWanted && { usage: null }),
  };
  const send = (delta: object, finish: FinishReason | null, more = {}): Promise<void> =>
    events.send({
      ...head,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...more,
    });
  let isBegun = false;
  const begin = async (): Promise<void> => {
    if (!isBegun) await send({ role: 'assistant', content: '' }, null);
    isBegun = true;
  };
  try {
    const said = await speak(asked, async (content) => {
      await begin();
      await send({ content }, null);
    });
    await begin();
    await send({}, said.finish, { pila: tellPaid(said) });
    if (isUsageWanted) await events.send({ ...head, choices: [], usage: usageOf(asked, said) });
    await events.end();
  } catch (e) {
    await events.fail(e);
  }
}

const headOf = ({ model }: ChatQuestion, object: string): object => ({
  id: `chatcmpl-${randomUUID()}`,
  object,
  created: Math.floor(Date.now() / 1000),
  model: model.name,
  // The same seed has the same answer as long as this is the same.
  system_fingerprint: toHex(model.id),
});

const usageOf = ({ conversed }: ChatQuestion, { tokens }: Said): object => ({
  prompt_tokens: conversed.tokens,
  completion_tokens: tokens,
  total_tokens: conversed.tokens + tokens,
});

/** What it came to, and the receipt by which anybody checks it. */
function tellPaid({ answer }: Said): object {
  const { paid, shared, cost = 0n } = answer ?? {};
  return {
    place: paid ? 'network' : 'device',
    cost: String(cost),
    provider: paid ? toHex(paid.provider) : null,
    sharedHex: shared ? toHex(shared) : null,
  };
}

/** @param tell gets the text as soon as it is certain */
async function speak(asked: ChatQuestion, tell: (text: string) => Promise<void>): Promise<Said> {
  const { deps, model, question, asking } = asked;
  const text = new AnswerText(question.stops ?? []);
  const say = async (certain: string): Promise<void> => {
    if (certain) await tell(certain);
  };
  const isHere = question.place !== 'network' && deps.isHere(model.id);
  const leaving = isHere ? asking.gone : leavingOf(asking);
  const hear: Hear = async (tokens) => {
    await say(text.add(await deps.inference.textBytes(model.id, tokens, leaving)));
    return text.isStopped;
  };
  if (!isHere && question.place === 'device')
    throw new FieldError('MODEL_MISSING', 'model', `${model.name} is not whole on this node`);
  const said = isHere ? await here(asked, hear) : await bought(asked, hear);
  await say(text.end());
  return text.isStopped ? { ...said, finish: 'stop' } : said;
}

/** The node's own model, a token at a time. @throws AppError as `Answerer.generate` */
async function here({ deps, question, asking }: ChatQuestion, hear: Hear): Promise<Said> {
  const { model, manifest, input, tokens } = question;
  const job = {
    model,
    input: withoutPadding(inputTokens(input, manifest)!),
    options: tokens!.options,
    rank: 'own',
    signal: asking.gone,
  } as const;
  let count = 0;
  for await (const { token, finish } of deps.answerer.generate(job)) {
    if (asking.gone.aborted) break;
    count++;
    const isStopped = await hear(Uint32Array.of(token));
    if (isStopped || finish === 'stop') return { finish: 'stop', tokens: count, answer: undefined };
    if (finish) return { finish: 'length', tokens: count, answer: undefined };
  }
  throw new AppError('PASS_ABORTED', 'the caller has gone');
}

/** A provider's answer: its parts as they come, then what no part brought. @throws AppError as `AskPaid` */
async function bought(asked: ChatQuestion, hear: Hear): Promise<Said> {
  const { deps, question, asking, generation } = asked;
  const stopped = new AbortController();
  const leaving = leavingOf(asking);
  // What nobody reads any more is made to text only where a string may end what is paid.
  const isHeard = (): boolean => {
    const isWanted = asking.isKeyed && question.stops?.length;
    return !stopped.signal.aborted && (!asking.gone.aborted || !!isWanted);
  };
  let heard = 0;
  let hearing = Promise.resolve();
  const take = (tokens: Uint32Array): void => {
    heard += tokens.length;
    hearing = hearing.then(async () => {
      if (isHeard() && (await hear(tokens))) stopped.abort();
    });
    // It is awaited below; until then it is nobody's failure.
    hearing.catch(() => stopped.abort());
  };
  const answer = await deps.askPaid(question, {
    ...asking.call,
    onPart: (bytes) => take(tokensFromBytes(bytes)),
    signal: AbortSignal.any([stopped.signal, ...(leaving ? [leaving] : [])]),
  });
  const tokens = tokensFromBytes(answer.rows);
  if (tokens.length > heard) take(tokens.subarray(heard));
  await hearing;
  const last = tokens.at(-1);
  const isEnd = last !== undefined && generation.stops.includes(last);
  return { finish: isEnd ? 'stop' : 'length', tokens: tokens.length, answer };
}
