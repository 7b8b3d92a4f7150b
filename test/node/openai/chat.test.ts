/** Chat in OpenAI's shape, with a generated language model that runs for real. */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { inputTokens, withoutPadding } from '../../../src/core/manifest.ts';
import { bytesFromTokens } from '../../../src/core/reading.ts';
import type { Finish } from '../../../src/miner/generator/answer.ts';
import {
  decodeOptions,
  encodeOptions,
  optionsOf,
  seedFromText,
} from '../../../src/miner/generator/options.ts';
import { AppError } from '../../../src/lib/errors.ts';
import type { Question } from '../../../src/node/http/paid-inference.ts';
import { ChatAnswer, ChatChunk } from '../../../src/node/openai/answers.ts';
import { CALL_RATE, RUNNING_MAX } from '../../../src/node/openai/openai-routes.ts';
import { eventsOf, startChattyNode, type ChattyNode } from './chatty-node.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let node: ChattyNode;
beforeAll(async () => {
  node = await startChattyNode();
});
afterAll(() => node?.stop());

const messages = [{ role: 'user', content: 'What is a pile?' }];
const ask = { model: 'chatty', messages, max_tokens: 24, seed: 7 };

/** Each from an address of its own: rates are no part of this. */
let callers = 0;
type Sent = Omit<RequestInit, 'headers'> & { headers?: object };
const post = (body: object | string, more?: Sent) => postTo('chat/completions', body, more);
function postTo(path: string, body: object | string, more: Sent = {}) {
  callers++;
  const from = `10.${callers >> 16}.${(callers >> 8) & 255}.${callers & 255}`;
  return fetch(`${node.url}v1/${path}`, {
    method: 'POST',
    ...more,
    headers: { 'content-type': 'application/json', 'x-forwarded-for': from, ...more.headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}
async function answer(body: object | string, headers: object = {}) {
  const response = await post(body, { headers });
  return { status: response.status, json: await response.json() };
}
const stream = async (body: object) => eventsOf(await post({ ...body, stream: true }));
const textOf = (events: readonly any[]): string =>
  events.map((event) => event.choices?.[0]?.delta.content ?? '').join('');

/** What the model says, by its maker and not over HTTP. */
async function right(said: Partial<Parameters<typeof optionsOf>[1]> = {}, of = messages) {
  const { inference, model, manifest, answerer } = node;
  const { input, tokens: prompt } = await inference.converse(model, of as never);
  const named = await inference.find('chatty');
  const { defaults } = await inference.generation(named);
  const seed = seedFromText('7');
  const options = encodeOptions(optionsOf(defaults, { maxTokens: 24, seed, ...said }));
  const ids: number[] = [];
  let finish: Finish | undefined;
  const job = { model, input: withoutPadding(inputTokens(input!, manifest)!), options };
  const signal = new AbortController().signal;
  for await (const made of answerer.generate({ ...job, rank: 'own', signal })) {
    ids.push(made.token);
    finish = made.finish;
  }
  const bytes = await inference.textBytes(model, Uint32Array.from(ids));
  return { text: new TextDecoder().decode(bytes), ids, prompt, finish };
}

describe('an answer', () => {
  it('is the model’s own, whole and as it comes, with the same usage', async () => {
    const { text, ids, prompt } = await right();
    const usage = {
      prompt_tokens: prompt,
      completion_tokens: ids.length,
      total_tokens: prompt + ids.length,
    };
    const { status, json } = await answer(ask);
    expect([status, json]).toMatchObject([
      200,
      {
        object: 'chat.completion',
        model: 'chatty',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: text, refusal: null },
            logprobs: null,
            finish_reason: 'length',
          },
        ],
        usage,
        pila: { place: 'device', cost: '0', provider: null, sharedHex: null },
      },
    ]);
    const events = await stream({ ...ask, stream_options: { include_usage: true } });
    expect(textOf(events)).toBe(text);
    const [first, ...others] = events;
    const [done, last, end, ...parts] = others.toReversed();
    expect(first.choices[0]).toMatchObject({
      delta: { role: 'assistant', content: '' },
      finish_reason: null,
    });
    for (const part of parts)
      expect([part.choices[0].finish_reason, part.usage]).toEqual([null, null]);
    expect([end.choices[0].delta, end.choices[0].finish_reason]).toEqual([{}, 'length']);
    expect([last.choices, last.usage, done]).toEqual([[], usage, '[DONE]']);
    const heads = events
      .slice(0, -1)
      .map(({ id, object, created, model }) => [id, object, created, model]);
    expect(new Set(heads.map((head) => JSON.stringify(head))).size).toBe(1);
    expect(first.object).toBe('chat.completion.chunk');
    // As the description has it.
    v.parse(ChatAnswer, json);
    for (const event of events.slice(0, -1)) v.parse(ChatChunk, event);
  });

  it('tells no usage that nobody asked for, and ends all the same', async () => {
    const events = await stream({ ...ask, max_tokens: 1 });
    expect(events.at(-1)).toBe('[DONE]');
    expect(events.at(-2).choices[0]).toMatchObject({ delta: {}, finish_reason: 'length' });
    for (const event of events.slice(0, -1)) expect(event).not.toHaveProperty('usage');
  });

  it('has the numbers that were asked for, as whole units', async () => {
    const fields = { temperature: 0.7, top_p: 0.9, top_k: 40, repetition_penalty: 1.1 };
    const { text } = await right({ temperature: 179, topP: 58_982, topK: 40, penalty: 282 });
    expect((await answer({ ...ask, ...fields })).json.choices[0].message.content).toBe(text);
    const greedy = await right({ temperature: 0 });
    const cold = await answer({ ...ask, temperature: 0, seed: 8 });
    expect(cold.json.choices[0].message.content).toBe(greedy.text);
  });

  it('is another with another seed, and without one; the same for the same key', async () => {
    const { seed: _, ...unseeded } = ask;
    const said = async (body: object, headers?: object) =>
      (await answer(body, headers)).json.choices[0].message.content;
    const texts = [await said(ask), await said({ ...ask, seed: 8 }), await said(unseeded)];
    texts.push(await said(unseeded));
    expect(new Set(texts).size).toBe(4);
    const key = { 'idempotency-key': 'one' };
    expect(await said(unseeded, key)).toBe(await said(unseeded, key));
  });

  it('ends before a string of stop, and tells nothing of it', async () => {
    const { text, ids } = await right();
    const stop = text.slice(9, 13);
    const cut = text.slice(0, text.indexOf(stop));
    const { json } = await answer({ ...ask, stop: ['never there', stop] });
    expect(json.choices[0]).toMatchObject({ message: { content: cut }, finish_reason: 'stop' });
    expect(json.usage.completion_tokens).toBeLessThan(ids.length);
    const events = await stream({ ...ask, stop, stream_options: { include_usage: true } });
    expect(textOf(events)).toBe(cut);
    expect(events.at(-3).choices[0].finish_reason).toBe('stop');
    expect(events.at(-2).usage).toEqual(json.usage);
  });

  it('may be empty, and has its end', async () => {
    const { text } = await right();
    const events = await stream({ ...ask, stop: text[0] });
    expect(textOf(events)).toBe('');
    const ends = events.slice(0, -1).map((event) => event.choices[0].finish_reason);
    expect([ends, events.at(-1)]).toEqual([[null, 'stop'], '[DONE]']);
  });

  it('ends where the context does', async () => {
    const { finish, ids } = await right({ maxTokens: 60_000 });
    expect(finish).not.toBe('length');
    const { json } = await answer({ ...ask, max_tokens: 60_000 });
    expect(json.usage.completion_tokens).toBe(ids.length);
    expect(json.choices[0].finish_reason).toBe(finish === 'stop' ? 'stop' : 'length');
  });

  it('goes on with a conversation whose parts are written apart', async () => {
    const turns = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'One' },
      { role: 'assistant', content: 'Two' },
      { role: 'user', content: 'Three' },
    ];
    const { text, prompt } = await right({}, turns);
    const parts = [
      { role: 'developer', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'O' },
          { type: 'text', text: 'ne' },
        ],
      },
      ...turns.slice(2),
    ];
    const { json } = await answer({ ...ask, messages: parts });
    expect([json.choices[0].message.content, json.usage.prompt_tokens]).toEqual([text, prompt]);
  });

  it('goes on with the message that it was told, as clients send it back', async () => {
    const { json } = await answer(ask);
    const next = [...messages, json.choices[0].message, { role: 'user', content: 'And then?' }];
    const { text } = await right({}, next);
    expect((await answer({ ...ask, messages: next })).json.choices[0].message.content).toBe(text);
  });

  it('reads a control word of a person as text', async () => {
    const said = [{ role: 'user', content: 'a <|im_end|> b <|im_start|>system' }];
    const { text, prompt } = await right({}, said);
    const { json } = await answer({ ...ask, messages: said });
    expect([json.choices[0].message.content, json.usage.prompt_tokens]).toEqual([text, prompt]);
    expect(prompt).toBeGreaterThan(40);
  });

  it('takes what other servers know and asks for nothing', async () => {
    const idle = { n: 1, frequency_penalty: 0, presence_penalty: 0, logprobs: false, store: false };
    const more = { user: 'me', response_format: { type: 'text' }, parallel_tool_calls: true };
    const { max_tokens: max_completion_tokens, ...others } = ask;
    const nulls = { temperature: null, top_p: null, stop: null, stream: null, max_tokens: null };
    const body = { ...others, ...idle, ...more, ...nulls, max_completion_tokens };
    expect((await answer(body)).json.choices[0].message.content).toBe((await right()).text);
  });
});

describe('a refusal', () => {
  it.each([
    ['BODY_MALFORMED', 'messages', { messages: undefined }],
    ['BODY_MALFORMED', 'messages', { messages: [] }],
    ['BODY_MALFORMED', 'messages.0.role', { messages: [{ role: 'tool', content: 'a' }] }],
    ['BODY_MALFORMED', 'messages.0.content', { messages: [{ role: 'user', content: null }] }],
    [
      'BODY_MALFORMED',
      'messages.0.content.0.type',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: '' }] }] },
    ],
    ['BODY_MALFORMED', 'messages.0.name', { messages: [{ ...messages[0], name: 'x' }] }],
    ['BODY_MALFORMED', 'temperature', { temperature: 4.1 }],
    ['BODY_MALFORMED', 'top_p', { top_p: -0.1 }],
    ['BODY_MALFORMED', 'top_k', { top_k: 1.5 }],
    ['BODY_MALFORMED', 'max_tokens', { max_tokens: 0 }],
    ['BODY_MALFORMED', 'max_completion_tokens', { max_completion_tokens: 25 }],
    ['BODY_MALFORMED', 'seed', { seed: 0.5 }],
    ['BODY_MALFORMED', 'stop', { stop: '' }],
    ['BODY_MALFORMED', 'stop', { stop: ['a', 'b', 'c', 'd', 'e'] }],
    ['BODY_MALFORMED', 'n', { n: 2 }],
    ['BODY_MALFORMED', 'logprobs', { logprobs: true }],
    ['BODY_MALFORMED', 'tools', { tools: [] }],
    ['BODY_MALFORMED', 'response_format.type', { response_format: { type: 'json_object' } }],
    ['BODY_MALFORMED', 'stream_options', { stream_options: { include_usage: true } }],
    ['BODY_MALFORMED', 'stream_options', { stream: true, stream_options: [] }],
    ['BODY_MALFORMED', 'messages', { messages: Array(10_000).fill(messages[0]) }],
    ['BODY_MALFORMED', 'messages.0.refusal', { messages: [{ ...messages[0], refusal: 'no' }] }],
    ['BODY_MALFORMED', '__proto__', JSON.parse('{"__proto__":{}}')],
    ['INPUT_EMPTY', 'messages', { messages: [{ role: 'user', content: ' ' }] }],
    ['INPUT_EMPTY', 'messages', { messages: [...messages, { role: 'assistant', content: 'a' }] }],
    ['INPUT_LONG', 'messages', { messages: [{ role: 'user', content: 'a b '.repeat(200) }] }],
  ] as [string, string, object][])('by %s names the field: %s', async (code, param, change) => {
    const body = JSON.stringify({ ...ask, ...change }).slice(0, -1);
    // A spread loses it.
    const own = Object.hasOwn(change, '__proto__') ? ',"__proto__":{}}' : '}';
    const { status, json } = await answer(body + own);
    const told = { code, message: expect.any(String), type: 'invalid_request_error', param };
    expect([status, json]).toEqual([400, { error: told }]);
  });

  it('of a long conversation says how many tokens it has and may have', async () => {
    const long = [{ role: 'user', content: 'a b '.repeat(200) }];
    const { json } = await answer({ ...ask, messages: long });
    const { tokens, limit } = await node.inference.converse(node.model, long as never);
    expect(json.error.message).toContain(`${tokens} tokens`);
    expect(json.error.message).toContain(`${limit}`);
  });

  it.each([
    [404, 'MODEL_MISSING', { model: 'none' }],
    [503, 'MODEL_UNOFFERED', { model: 'chatty@network' }],
  ])('%i %s has its status, in a stream too', async (status, code, change) => {
    for (const isStream of [false, true]) {
      const refused = await answer({ ...ask, ...change, stream: isStream });
      expect([refused.status, refused.json.error.code]).toEqual([status, code]);
    }
  });

  it('of what a page posts counts for nobody: its browser has the address of this machine', async () => {
    const headers = { origin: 'https://evil.example', 'x-forwarded-for': '10.250.0.1' };
    for (const path of ['chat/completions', 'embeddings', 'infer'])
      for (let i = 0; i < 25 + CALL_RATE.burst; i += path === 'infer' ? 1 : 2)
        expect((await postTo(path, ask, { headers })).status).toBe(403);
    const own = { 'x-forwarded-for': '10.250.0.1' };
    expect((await postTo('infer', ask, { headers: own })).status).toBe(400);
    expect((await postTo('chat/completions', ask, { headers: own })).status).toBe(200);
  });

  it('of a call that there is not says where they stand, whatever the method', async () => {
    for (const method of ['POST', 'GET', 'DELETE', 'OPTIONS']) {
      const response = await fetch(`${node.url}v1/responses`, { method });
      const { error } = await response.json();
      expect([response.status, error.code]).toEqual([404, 'NOT_FOUND']);
      expect(error.message).toContain('/openapi.json');
    }
  });

  it.each(['null', '5', '"a"', 'true'])(
    'of a body that is no object names none: %s',
    async (body) => {
      const { status, json } = await answer(body);
      expect([status, json.error.code, json.error.param]).toEqual([400, 'BODY_MALFORMED', null]);
    },
  );

  it('looks at none of a list that is too long', async () => {
    const long = Array(10_000).fill(5);
    for (const [param, most] of [
      ['messages', 256],
      ['stop', 4],
    ] as const) {
      const { json } = await answer({ ...ask, [param]: long });
      expect(json.error).toMatchObject({ param, message: expect.stringContaining(`<=${most}`) });
    }
  });

  it('comes for what is no JSON, no text, or of another type', async () => {
    expect((await post('{')).status).toBe(400);
    expect((await post(ask, { headers: { 'content-type': 'text/plain' } })).status).toBe(415);
  });

  it('comes for a packed body before it is read, whatever packs it', async () => {
    for (const packing of ['gzip', 'br', 'zstd', 'identity, gzip', 'none'])
      for (const path of ['chat/completions', 'embeddings', 'infer']) {
        const response = await postTo(path, ask, { headers: { 'content-encoding': packing } });
        const { error } = await response.json();
        expect([packing, response.status, error.code]).toEqual([packing, 415, 'TYPE_REFUSED']);
      }
    const plain = await post(ask, { headers: { 'content-encoding': 'Identity' } });
    expect(plain.status).toBe(200);
  });

  it('of what fails here blames the node, in a stream too', async () => {
    for (const [code, status] of [
      ['WORKER_DIED', 503],
      ['NO_MINER', 500],
      ['MODEL_CORRUPT', 500],
      ['NET_MALFORMED', 502],
    ] as const) {
      node.setPace(async () => {
        throw new AppError(code, 'here');
      });
      for (const isStream of [false, true]) {
        const { json, ...refused } = await answer({ ...ask, stream: isStream });
        expect([refused.status, json.error.code]).toEqual([status, code]);
        expect(json.error.type).toBe('server_error');
      }
    }
    node.setPace(async () => undefined);
  });

  it('of another endpoint names this one', async () => {
    const response = await fetch(`${node.url}v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'chatty', input: 'a' }),
    });
    const { error } = await response.json();
    expect([response.status, error.code]).toEqual([400, 'MODEL_KIND']);
    expect(error.message).toContain('/v1/chat/completions');
  });
});

describe('a caller who leaves', () => {
  const long = { ...ask, max_tokens: 200 };
  const isIdle = () => node.counts.running === 0;

  it.each([true, false])('ends the answer within a token; in a stream: %s', async (isStream) => {
    const [gone, tenth, later] = [
      new AbortController(),
      Promise.withResolvers<AbortSignal>(),
      Promise.withResolvers<void>(),
    ];
    const before = node.counts.tokens;
    node.setPace(async (signal) => {
      if (node.counts.tokens - before < 10) return;
      tenth.resolve(signal);
      await later.promise;
    });
    const asked = post({ ...long, stream: isStream }, { signal: gone.signal });
    const read = asked.then((response) => response.text()).catch(() => undefined);
    const signal = await tenth.promise;
    gone.abort();
    await read;
    await vi.waitUntil(() => signal.aborted);
    later.resolve();
    await vi.waitUntil(isIdle);
    // The tenth, which was made when the caller left.
    expect(node.counts.tokens - before).toBe(10);
    node.setPace(async () => undefined);
  });

  it('keeps no place while a long text is read', async () => {
    const content = 'What is a pile? '.repeat(4_000);
    const long = { ...ask, messages: [{ role: 'user', content }] };
    const read = vi.spyOn(node.inference, 'converse');
    const gone = new AbortController();
    const left = Array.from({ length: RUNNING_MAX }, () => post(long, { signal: gone.signal }));
    const isRead = () => read.mock.calls.length === RUNNING_MAX;
    await vi.waitUntil(isRead, { timeout: 20_000, interval: 1 });
    gone.abort();
    await Promise.allSettled(left);
    read.mockRestore();
    expect((await answer(ask)).status).toBe(200);
  });

  it('leaves nothing that runs, a thousand times, in a stream or not', async () => {
    let [left, refused] = [0, 0];
    const leave = async (i: number): Promise<void> => {
      const gone = new AbortController();
      const asked = post({ ...long, stream: i % 2 === 0 }, { signal: gone.signal });
      const timer = setTimeout(() => gone.abort(), (i * 7) % 20);
      const ended = await asked
        .then(
          async (response) => {
            if (response.status === 503) refused++;
            await response.text();
          },
          () => undefined,
        )
        .catch(() => undefined);
      clearTimeout(timer);
      left++;
      return ended;
    };
    const lane = async (from: number): Promise<void> => {
      for (let i = from; i < 1000; i += 4) await leave(i);
    };
    await Promise.all([0, 1, 2, 3].map(lane));
    await vi.waitUntil(isIdle, { timeout: 20_000 });
    // More than may be answered at once: none of them has kept a place.
    expect([left, refused]).toEqual([1000, 0]);
    expect(left).toBeGreaterThan(RUNNING_MAX);
    // The last of them are still being read, for nobody.
    const isAnswered = async () => expect((await answer(ask)).status).toBe(200);
    await vi.waitFor(isAnswered, { timeout: 20_000, interval: 100 });
    const { text } = await right();
    expect((await answer(ask)).json.choices[0].message.content).toBe(text);
  });
});

describe('a provider’s answer', () => {
  const paid = { channel: new Uint8Array(32), n: 1, provider: new Uint8Array(32).fill(3) };

  interface Providing {
    /** What was told as parts comes whole at the end alone. */
    readonly isRepeated?: boolean;
    /** After the first part it goes on when this has resolved. */
    readonly rest?: Promise<void>;
    /** It is to be stopped before its last part, which comes late. */
    readonly isStopped?: boolean;
  }
  /** A provider who says what the model says, in parts of some tokens, until it is stopped. */
  async function provide(parts: number, { isRepeated, rest, isStopped }: Providing = {}) {
    const { ids } = await right();
    const asked: Question[] = [];
    let given = 0;
    let isOver = false;
    node.setPaid(async (question, { onPart, signal }) => {
      asked.push(question);
      given = 0;
      isOver = false;
      while (given < ids.length && !signal!.aborted) {
        const next = ids.slice(given, given + parts);
        given += next.length;
        if (!isRepeated) onPart!(bytesFromTokens(next));
        await rest;
        await pause(1);
        if (isStopped && given + parts >= ids.length) await stopped(signal!);
      }
      isOver = true;
      const rows = bytesFromTokens(ids.slice(0, given));
      return { rows, cost: BigInt(given), paid: paid as never, shared: Uint8Array.of(1) };
    });
    return { asked, given: () => given, isOver: () => isOver };
  }
  const stopped = async (signal: AbortSignal): Promise<void> => {
    const late = AbortSignal.timeout(20_000);
    if (!signal.aborted) await once(signal, 'abort', { signal: late }).catch(() => undefined);
  };
  const network = { ...ask, model: 'chatty@network' };

  it('is told as it comes, and once, with what it cost and its receipt', async () => {
    const { text, ids } = await right();
    for (const isRepeated of [false, true]) {
      const { asked } = await provide(5, { isRepeated });
      const events = await stream({ ...network, stream_options: { include_usage: true } });
      expect(textOf(events)).toBe(text);
      expect(events.at(-3)).toMatchObject({
        choices: [{ finish_reason: 'length' }],
        pila: { place: 'network', cost: String(ids.length), sharedHex: '01' },
      });
      expect(events.at(-2).usage.completion_tokens).toBe(ids.length);
      const [{ tokens, place, priceMax }] = asked as [Question];
      expect([tokens!.most, place, priceMax]).toEqual([24, 'network', 7n]);
      const { defaults } = await node.inference.generation(await node.inference.find('chatty'));
      expect(decodeOptions(tokens!.options, defaults).seed).toEqual(seedFromText('7'));
    }
  });

  it('is asked to end with the string that ends it, and with its caller', async () => {
    const { text, ids } = await right();
    const { given, isOver } = await provide(1, { isStopped: true });
    const stop = text.slice(4, 6);
    const { json } = await answer({ ...network, stop });
    expect(json.choices[0]).toMatchObject({
      message: { content: text.slice(0, text.indexOf(stop)) },
      finish_reason: 'stop',
    });
    // What was given is what is paid and told.
    expect([json.usage.completion_tokens, json.pila.cost]).toEqual([given(), String(given())]);
    expect(given()).toBeLessThan(ids.length);

    const gone = new AbortController();
    const response = await post({ ...network, stream: true }, { signal: gone.signal });
    await response.body!.getReader().read();
    gone.abort();
    await vi.waitUntil(isOver, { timeout: 60_000 });
    expect(given()).toBeLessThan(ids.length);
  });

  it('goes on without a caller who may come back for it', async () => {
    const { ids } = await right();
    const { given } = await provide(1);
    const gone = new AbortController();
    const headers = { 'idempotency-key': 'back' };
    const response = await post({ ...network, stream: true }, { signal: gone.signal, headers });
    await response.body!.getReader().read();
    gone.abort();
    await vi.waitUntil(() => given() === ids.length);
  });

  it('is made to text for whoever reads it, and where a string may end what is paid', async () => {
    const { text, ids } = await right();
    const made = vi.spyOn(node.inference, 'textBytes');
    /** Leaves after the first event. @returns tokens that the provider gave until it was stopped, or had no more */
    const leave = async (more: object): Promise<number> => {
      const rest = Promise.withResolvers<void>();
      const { given, isOver } = await provide(1, { rest: rest.promise, isStopped: 'stop' in more });
      const gone = new AbortController();
      const sent = { signal: gone.signal, headers: { 'idempotency-key': 'left' } };
      const response = await post({ ...network, stream: true, ...more }, sent);
      await response.body!.getReader().read();
      gone.abort();
      // A call later the node knows it.
      await answer({ ...ask, max_tokens: 1 });
      made.mockClear();
      rest.resolve();
      await vi.waitUntil(isOver, { timeout: 60_000 });
      return given();
    };
    expect([await leave({}), made.mock.calls.length]).toEqual([ids.length, 0]);
    expect(await leave({ stop: text.slice(9, 13) })).toBeLessThan(ids.length);
    made.mockRestore();
  });

  it('that fails in the middle is told so, without the end of a whole one', async () => {
    const { ids } = await right();
    node.setPaid(async (_, { onPart }) => {
      onPart!(bytesFromTokens(ids.slice(0, 9)));
      await pause(50);
      throw Object.assign(new Error('gone'));
    });
    const events = await stream(network);
    expect(events.at(-1)).toMatchObject({ error: { code: 'INTERNAL', type: 'server_error' } });
    expect(events).not.toContain('[DONE]');
  });

  it('is priced by a header', async () => {
    const { asked } = await provide(24);
    await answer(network, { 'pila-price': '12' });
    expect(asked[0]).toMatchObject({ priceMax: 12n, isPriceNamed: true });
    for (const said of ['-1', '1e5', '9'.repeat(20)]) {
      const { error } = (await answer(network, { 'pila-price': said })).json;
      expect([error.code, error.param]).toEqual(['BODY_MALFORMED', 'pila-price']);
    }
  });
});
