/** Conversations that a device keeps: their bounds, what makes room, two tabs, and what goes on when nothing is kept. */
import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { GeneratedText } from '../../../src/client/api.ts';
import { createIdbStore } from '../../../src/chain/store/idb-store.ts';
import { encode } from '../../../src/core/codec.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { Chats, CHATS_STORE, newKey } from '../../../src/ui/ask/generate/chats/chats.svelte.ts';
import {
  CHAT_BYTES_FULL,
  CHAT_BYTES_MAX,
  CHATS_BYTES_MAX,
  CHATS_MAX,
  KeptChat,
  nameOf,
  newChat,
  readChat,
  TURNS_MAX,
  type Turn,
} from '../../../src/ui/ask/generate/chats/kept-chat.ts';
import { Talk } from '../../../src/ui/ask/generate/chats/talk.svelte.ts';
import { Talking } from '../../../src/ui/ask/generate/chats/talking.svelte.ts';
import { Session } from '../../../src/ui/session.svelte.ts';
import { MemoryEngine, WRITER } from '../memory-engine.ts';

let nowMs = 0;
const open = () =>
  new Chats(
    () => createIdbStore(CHATS_STORE),
    () => ++nowMs,
  );
const turn = (question: string, text = 'Yes.'): Turn => ({
  question,
  answer: { text, tokens: 2, end: 'stop', seed: '7', model: 'smollm2', unread: 0, read: [] },
});
const chatOf = (...turns: Turn[]): KeptChat => ({ ...newChat(), turns });
const names = (chats: Chats) => chats.all!.map(({ chat }) => nameOf(chat));

beforeEach(async () => {
  const store = await createIdbStore(CHATS_STORE);
  await store.clear();
  await store.close();
});

describe('a conversation', () => {
  it('is read as it was written; what is none of ours is no conversation', () => {
    const chat = { ...chatOf(turn('Pila? 🔋'), { question: 'x', answer: null }), temperature: 12 };
    expect(readChat(encode(KeptChat, chat))).toEqual(chat);
    expect(readChat(encode(KeptChat, { ...chat, form: 3 }))).toBe(undefined);
    expect(readChat(new Uint8Array(9))).toBe(undefined);
  });

  it('is called by its first words, cut between them, until it has a name', () => {
    const long = 'Why does  a\nbattery run down when nobody uses it, and who found that out first?';
    expect(nameOf(chatOf(turn('Why?')))).toBe('Why?');
    expect(nameOf(chatOf(turn(long)))).toBe(
      'Why does a battery run down when nobody uses it, and who…',
    );
    expect(nameOf({ ...chatOf(turn(long)), name: 'Batteries' })).toBe('Batteries');
    expect([...nameOf(chatOf(turn('\u202ea'.repeat(99))))].length).toBeLessThanOrEqual(60);
    expect(nameOf(chatOf(turn('\u200b')))).toBe('');
  });
});

describe('kept conversations', () => {
  it('are there after a reload, the newest first, and go when they are deleted', async () => {
    const chats = open();
    const first = await chats.put(newKey(), chatOf(turn('one')));
    await chats.put(newKey(), chatOf(turn('two')));
    await chats.put(first!.key, { ...first!.chat, turns: [turn('one'), turn('more')] });
    await chats.close();
    const again = open();
    await again.read();
    expect(names(again)).toEqual(['one', 'two']);
    expect(again.all![0]!.chat.turns).toHaveLength(2);
    expect(again.bytes).toBe(again.all![0]!.bytes + again.all![1]!.bytes);
    await again.remove(first!.key);
    await again.read();
    expect(names(again)).toEqual(['two']);
  });

  it('lie in a place of their own that “Erase everything” finds by its name', async () => {
    await open().read();
    expect(CHATS_STORE).toMatch(/^pila/);
    expect((await indexedDB.databases()).map(({ name }) => name)).toContain(CHATS_STORE);
  });

  it('are bounded in number: the one used least lately goes, and is named before and after', async () => {
    const chats = open();
    for (let i = 0; i < CHATS_MAX; i++) await chats.put(newKey(), chatOf(turn(`q${i}`)));
    expect(nameOf(chats.next!.chat)).toBe('q0');
    expect(chats.gone).toEqual([]);
    // Going on with one needs no room.
    const { key, chat } = chats.all!.at(-1)!;
    await chats.put(key, { ...chat, turns: [...chat.turns, turn('more')] });
    expect(chats.gone).toEqual([]);
    await chats.put(newKey(), chatOf(turn('new')));
    expect(chats.gone).toEqual(['q1']);
    await chats.read();
    expect(names(chats)).toHaveLength(CHATS_MAX);
    expect(names(chats).slice(0, 2)).toEqual(['new', 'q0']);
  });

  it('are bounded in bytes, all of them and each', async () => {
    const chats = open();
    const large = 'a'.repeat(CHAT_BYTES_FULL);
    for (let i = 0; i <= CHATS_BYTES_MAX / CHAT_BYTES_FULL; i++)
      await chats.put(newKey(), chatOf(turn(`q${i}`, large)));
    expect(chats.bytes).toBeLessThanOrEqual(CHATS_BYTES_MAX);
    expect(chats.gone).toEqual(['q0', 'q1']);
    expect(await chats.put(newKey(), chatOf(turn('q', 'a'.repeat(CHAT_BYTES_MAX))))).toBe(
      undefined,
    );
    expect(names(chats)).not.toContain('q');
  });

  it('of another tab are not written over: what was changed stays beside, what was deleted stays so', async () => {
    const [here, there] = [open(), open()];
    const kept = (await here.put(newKey(), chatOf(turn('one'))))!;
    await there.put(kept.key, { ...kept.chat, name: 'there' });
    const beside = (await here.put(kept.key, { ...kept.chat, name: 'here' }))!;
    expect(beside.key).not.toBe(kept.key);
    expect(names(here)).toEqual(['here', 'there']);
    await there.remove(beside.key);
    expect(await here.put(beside.key, { ...beside.chat, name: 'again' })).toBe(undefined);
    await here.read();
    expect(names(here)).toEqual(['there']);
  });

  it('that cannot be kept say why, and are kept again once they can', async () => {
    let isFull = true;
    const chats = new Chats(async () => {
      if (isFull) throw new AppError('STORE_FAILED', '');
      return createIdbStore(CHATS_STORE);
    });
    expect(await chats.put(newKey(), chatOf(turn('one')))).toBe(undefined);
    expect(chats.failed).toMatchObject({ code: 'STORE_FAILED' });
    isFull = false;
    await chats.put(newKey(), chatOf(turn('one')));
    expect(chats.failed).toBe(undefined);
    expect(names(chats)).toEqual(['one']);
  });
});

describe('a conversation that goes on', () => {
  let engine: MemoryEngine;
  let chats: Chats;
  let talk: Talk;
  const asked = (seed: string) => async () => ({
    generate: { model: WRITER.id, input: new Uint8Array(2) },
    seed,
    model: 'smollm2',
    unread: 0,
    read: [{ name: 'volta.md', text: 'Discs of zinc.' }],
  });
  beforeEach(() => {
    engine = new MemoryEngine();
    chats = open();
    const session = new Session(engine, async () => Promise.reject(new Error('not asked')));
    talk = new Talk(session, chats);
  });
  const stored = async () => {
    await talk.settled();
    const found = open();
    await found.read();
    return found.all!.map(({ chat }) => chat);
  };

  it('is kept from the question on, with its answer once that has ended', async () => {
    engine.pieces = ['waits'];
    void talk.ask('Why?', asked('1'));
    await expect.poll(() => talk.turns.length).toBe(1);
    expect((await stored())[0]!.turns).toEqual([{ question: 'Why?', answer: null }]);
    talk.stop();
    expect((await stored())[0]!.turns).toEqual([{ question: 'Why?', answer: null }]);
    engine.pieces = [{ text: 'So.', tokens: 2, finish: 'stop' }];
    await talk.ask(undefined, asked('2'));
    expect(talk.turns).toEqual([
      {
        question: 'Why?',
        answer: {
          text: 'So.',
          tokens: 2,
          end: 'stop',
          seed: '2',
          model: 'smollm2',
          unread: 0,
          read: [{ name: 'volta.md', text: 'Discs of zinc.' }],
        },
      },
    ]);
    expect((await stored())[0]!.turns).toEqual(talk.turns);
  });

  it('keeps an answer until the first word of another one', async () => {
    engine.pieces = [{ text: 'So.', tokens: 2, finish: 'stop' }];
    await talk.ask('Why?', asked('1'));
    engine.fails = { 'client.generate': 'BUSY' };
    await talk.ask(undefined, asked('2'));
    expect(talk.writing.failed).toMatchObject({ code: 'BUSY' });
    expect(talk.turns[0]!.answer).toMatchObject({ text: 'So.', seed: '1' });
    engine.fails = {};
    engine.pieces = [{ text: 'Or', tokens: 1, finish: undefined }, 'waits'];
    void talk.ask(undefined, asked('3'));
    await expect.poll(() => talk.writing.tokens).toBe(1);
    expect(talk.turns[0]!.answer).toMatchObject({ seed: '1' });
    talk.stop();
    expect(talk.turns[0]!.answer).toMatchObject({ text: 'Or', end: 'stopped', seed: '3' });
    expect((await stored())[0]!.turns).toEqual(talk.turns);
  });

  it('is full at so many questions or bytes', () => {
    expect(talk.isFull).toBe(false);
    talk.chat = chatOf(...Array.from({ length: TURNS_MAX }, () => turn('q')));
    expect(talk.isFull).toBe(true);
    const entry = { key: 'chat/1', chat: chatOf(turn('q')), bytes: CHAT_BYTES_FULL };
    const session = new Session(engine, async () => Promise.reject(new Error('not asked')));
    expect(new Talk(session, chats, entry).isFull).toBe(true);
    expect(new Talk(session, chats, { ...entry, bytes: CHAT_BYTES_FULL - 1 }).isFull).toBe(false);
  });

  describe('whose screen is left', () => {
    let session: Session;
    let shown: Talking;
    beforeEach(() => {
      session = new Session(engine, async () => Promise.reject(new Error('not asked')));
      shown = Talking.of(session, open);
    });
    /** An answer of which a first word has come. */
    async function writing() {
      const rest = Promise.withResolvers<GeneratedText>();
      const pieces = [Promise.resolve({ text: 'So ', tokens: 2, finish: undefined }), rest.promise];
      engine.client.generated = () => pieces.shift()!;
      void shown.talk.ask('Why?', asked('1'));
      await expect.poll(() => shown.talk.writing.text).toBe('So ');
      return () => rest.resolve({ text: 'it is.', tokens: 4, finish: 'stop' });
    }
    const answers = async () => {
      const found = open();
      await found.read();
      await found.close();
      return found.all!.map(({ chat }) => chat.turns.at(-1)!.answer?.text);
    };

    it('goes on with its answer, is kept with all of it, and gives up its place then', async () => {
      const goOn = await writing();
      const left = shown.leave();
      goOn();
      await left;
      expect(await answers()).toEqual(['So it is.']);
      expect(engine.calls).not.toContain('client.stopGenerating');
      expect(Talking.of(session, open)).not.toBe(shown);
    });

    it('is there for the next screen while it is written, also where that comes before the other goes', async () => {
      const goOn = await writing();
      void shown.leave();
      expect(Talking.of(session, open)).toBe(shown);
      expect(Talking.of(session, open)).toBe(shown);
      const left = shown.leave();
      goOn();
      await left;
      expect(shown.talk.turns.at(-1)!.answer?.text).toBe('So it is.');
      expect(Talking.of(session, open)).toBe(shown);
    });

    it('begins anew where nothing is written', async () => {
      await shown.leave();
      expect(Talking.of(session, open)).not.toBe(shown);
    });
  });

  it('that another tab has deleted says that it is kept no more', async () => {
    engine.pieces = [{ text: 'So.', tokens: 2, finish: 'stop' }];
    await talk.ask('Why?', asked('1'));
    await talk.settled();
    await open().remove(talk.key);
    talk.change({ name: 'x' });
    await talk.settled();
    expect(talk.isLost).toBe(true);
  });
});
