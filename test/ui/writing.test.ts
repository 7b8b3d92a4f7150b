/** An answer that a language model writes on this device: what the screen holds of it, and options as they are typed. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { AppError } from '../../src/lib/errors.ts';
import { newChat } from '../../src/ui/ask/generate/chats/kept-chat.ts';
import {
  askedOf,
  choosingIn,
  keptOf,
  saidOf,
  wholeSentences,
} from '../../src/ui/ask/generate/said.ts';
import { Writing } from '../../src/ui/ask/generate/writing.svelte.ts';
import { Session } from '../../src/ui/session.svelte.ts';
import { MemoryEngine, WRITER } from './memory-engine.ts';

const DEFAULTS = { temperature: 179, topK: 0, topP: 58_982, penalty: 282, maxTokens: 512 };

describe('options', () => {
  it('stand in the fields as they are, in the person’s way of writing numbers', () => {
    expect(saidOf(DEFAULTS, 'en')).toEqual({ temperature: '0.7', topP: '0.9', maxTokens: '512' });
    expect(saidOf(DEFAULTS, 'it').temperature).toBe('0,7');
    expect(saidOf({ ...DEFAULTS, maxTokens: 4096 }, 'en').maxTokens).toBe('4096');
  });

  it('that were left are the model’s own, others those that were typed', () => {
    const said = saidOf(DEFAULTS, 'it');
    expect(askedOf(said, DEFAULTS, 'it')).toEqual({});
    const changed = { ...said, temperature: ' 1,25', topP: '1', maxTokens: '40' };
    expect(askedOf(changed, DEFAULTS, 'it')).toEqual({
      temperature: 320,
      topP: 65_536,
      maxTokens: 40,
    });
  });

  it('are kept with a conversation, and stand in its fields again', () => {
    const options = { temperature: 320, maxTokens: 40 };
    const kept = { ...newChat(), ...keptOf(options) };
    expect(choosingIn(kept)).toEqual(options);
    expect(choosingIn({ ...kept, ...keptOf({}) })).toEqual({});
  });

  it('that are none, or out of range, name their field', () => {
    const said = saidOf(DEFAULTS, 'en');
    const fault = (change: object): AppError => {
      try {
        askedOf({ ...said, ...change }, DEFAULTS, 'en');
      } catch (e) {
        return e as AppError;
      }
      return expect.unreachable();
    };
    expect(fault({ temperature: '0,7' })).toMatchObject({ code: 'OPTION_MALFORMED' });
    expect(fault({ topP: '' })).toMatchObject({ code: 'OPTION_MALFORMED', message: 'topP' });
    expect(fault({ temperature: '4.1' })).toMatchObject({ code: 'OPTION_RANGE' });
    expect(fault({ maxTokens: '0' })).toMatchObject({ code: 'OPTION_RANGE', message: 'maxTokens' });
  });
});

describe('what is told of a text as it comes', () => {
  it('ends with a sentence or a line', () => {
    for (const [text, end] of [
      ['', 0],
      ['Two metals', 0],
      ['Two metals. One', 11],
      ['It costs 1.50 euros', 0],
      ['A list:\n1. zinc', 10],
      ['Is it so? Yes! No', 14],
    ] as const)
      expect(wholeSentences(text), text).toBe(end);
    fc.assert(fc.property(fc.string(), (text) => wholeSentences(text) <= text.length));
  });
});

describe('an answer', () => {
  let engine: MemoryEngine;
  let writing: Writing;
  const asked = { model: WRITER.id, input: Uint8Array.of(1, 0) };

  beforeEach(async () => {
    engine = new MemoryEngine();
    const config = {
      network: 'local',
      prefix: 'rpila',
      bootstrap: [],
      genesis: undefined,
    } as const;
    const session = new Session(engine, async () => config);
    await session.open();
    writing = new Writing(session);
  });

  it('grows by its pieces until it ends, and one after it begins anew', async () => {
    engine.pieces = [
      { text: 'Be', tokens: 1, finish: undefined },
      { text: 'cause', tokens: 3, finish: undefined },
      { text: '.', tokens: 5, finish: 'stop' },
    ];
    const done = writing.ask(async () => asked);
    expect(writing.isRunning).toBe(true);
    await done;
    expect(engine.generateAsked).toEqual(asked);
    expect([writing.text, writing.tokens, writing.finish]).toEqual(['Because.', 5, 'stop']);
    expect(writing.isRunning).toBe(false);

    engine.pieces = [{ text: 'No', tokens: 1, finish: 'length' }];
    await writing.ask(async () => asked);
    expect([writing.text, writing.tokens, writing.finish]).toEqual(['No', 1, 'length']);
  });

  it('that is stopped keeps what came, and its maker is told', async () => {
    engine.pieces = [{ text: 'Be', tokens: 1, finish: undefined }, 'waits'];
    void writing.ask(async () => asked);
    await vi.waitUntil(() => writing.text === 'Be');
    writing.stop();
    expect([writing.isRunning, writing.finish]).toEqual([false, 'stopped']);
    expect(engine.calls.at(-1)).toBe('client.stopGenerating');
    expect([writing.text, writing.failed]).toEqual(['Be', undefined]);
    writing.stop();
    expect(engine.calls.filter((call) => call === 'client.stopGenerating')).toHaveLength(1);
  });

  it('in whose place another is asked for is stopped, and nothing of it comes any more', async () => {
    engine.pieces = [{ text: 'Be', tokens: 1, finish: undefined }, 'waits'];
    void writing.ask(async () => asked);
    await vi.waitUntil(() => writing.text === 'Be');
    engine.pieces = [{ text: 'No', tokens: 1, finish: 'stop' }];
    await writing.ask(async () => asked);
    expect([writing.text, writing.finish]).toEqual(['No', 'stop']);
    expect(engine.calls.filter((call) => call === 'client.stopGenerating')).toHaveLength(1);
  });

  it('that is stopped before it has begun is stopped as it begins', async () => {
    const done = writing.ask(async () => asked);
    writing.stop();
    await done;
    expect(engine.calls).not.toContain('client.generate');
    const begun = Promise.withResolvers<number>();
    engine.client.generate = () => begun.promise;
    const late = writing.ask(async () => asked);
    await new Promise((r) => setTimeout(r));
    writing.stop();
    begun.resolve(1);
    await late;
    expect(engine.calls.at(-1)).toBe('client.stopGenerating');
    expect(engine.calls).not.toContain('client.generated');
  });

  it('that nothing is asked for does not begin', async () => {
    await writing.ask(async () => undefined);
    expect(writing).toMatchObject({ isRunning: false, finish: undefined, failed: undefined });
    expect(engine.calls).not.toContain('client.generate');
  });

  it('that fails says so, and keeps what came', async () => {
    engine.pieces = [{ text: 'Be', tokens: 1, finish: undefined }, 'waits'];
    const { generated } = engine.client;
    engine.client.generated = async (id) => {
      if (writing.text) engine.fails['client.generated'] = 'WORKER_DIED';
      return await generated(id);
    };
    await writing.ask(async () => asked);
    expect(writing).toMatchObject({ text: 'Be', isRunning: false, finish: undefined });
    expect(writing.failed?.code).toBe('WORKER_DIED');
  });
});
