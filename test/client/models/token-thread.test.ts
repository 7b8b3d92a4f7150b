/** Texts on which a tokenizer does not end: given up, said, and the next text is read. */
import { afterEach, describe, expect, it } from 'vitest';
import { plainHash } from '../../../src/core/hash.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { createTexts } from '../../../src/client/models/texts.ts';
import { TokenThread } from '../../../src/client/models/token-thread.ts';
import { networkOf } from '../../../src/client/models/networks.ts';
import { startTokens } from '../../../src/node/start-tokens.ts';

/** Divides by a pattern that takes for ever on many letters before another sign. */
const file = new TextEncoder().encode(
  JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: {
      type: 'Split',
      pattern: { Regex: '(a+)+$' },
      behavior: 'Isolated',
      invert: false,
    },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: { '[PAD]': 0, '[UNK]': 1, a: 2, '##a': 3 },
    },
  }),
);
const endless = `${'a'.repeat(60)}!`;

const id = new Uint8Array(32).fill(1);
const ofWords = [...networkOf('local').models.values()].find((m) => m.packing === 'u16')!;
const manifest: Manifest = {
  ...ofWords,
  tokenizer: { hash: plainHash(file), size: file.length },
};
/** One more than a thread holds tokenizers. */
const ids = [1, 2, 3, 4, 5].map((n) => new Uint8Array(32).fill(n));
const models = new Map(ids.map((one) => [toHex(one), manifest]));

const threads: TokenThread[] = [];
afterEach(() => threads.splice(0).forEach((thread) => thread.stop()));

function textsWithin(deadlineMs: number) {
  let fetched = 0;
  const packages = { tokenizer: async () => (fetched++, file), generation: async () => undefined };
  const thread = new TokenThread(startTokens, deadlineMs);
  threads.push(thread);
  return { texts: createTexts(models, packages, thread), fetched: () => fetched };
}

describe('a tokenizer that does not end', () => {
  it('is stopped in the middle of a text, and reads the next one', async () => {
    const { texts, fetched } = textsWithin(3000);
    expect((await texts.tokenise(id, ['aa'])).tokens).toEqual([2]);
    const slow = texts.tokenise(id, [endless]);
    // Waits in turn behind it, and is answered by the thread that is started then.
    const next = texts.tokenise(id, ['a']);
    await expect(slow).rejects.toMatchObject({ code: 'TOKENISER_SLOW' });
    await expect(next).resolves.toMatchObject({ tokens: [1] });
    expect((await texts.tokenise(id, ['aa'])).tokens).toEqual([2]);
    expect(fetched()).toBe(2);
  });

  it('keeps at most 32 texts waiting', async () => {
    const { texts } = textsWithin(60_000);
    await texts.tokenise(id, ['a']);
    const waiting = Array.from({ length: 33 }, () => texts.tokenise(id, ['a']));
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array<string>(32).fill('fulfilled'),
      'rejected',
    ]);
    expect(outcomes[32]).toMatchObject({ reason: { code: 'BUSY' } });
  });

  it('is fetched again where others have pushed it out of the thread', async () => {
    const { texts, fetched } = textsWithin(60_000);
    for (const one of [...ids, ids[0]!])
      expect((await texts.tokenise(one, ['aa'])).tokens).toEqual([2]);
    expect(fetched()).toBe(ids.length + 1);
  });
});
