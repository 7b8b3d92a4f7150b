/** Paid answers of a program: its channels that a branch leaves out, and texts as they come. */
import { beforeEach, expect, it } from 'vitest';
import type { ClientApi, ClientEvent, PaidAnswer } from '../../src/client/api.ts';
import { concat, utf8 } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import type { Paid } from '../../src/package/paid-api.ts';
import { paidAnswers } from '../../src/package/paid.ts';
import { plainKey } from '../../src/wallet/plain-key.ts';
import { CHANNEL, LINGUA, PAID, PROVIDER, WRITER } from '../ui/memory-engine.ts';

const other = { ...PROVIDER, key: new Uint8Array(32).fill(9) };
/** How many openings a branch leaves out. */
let lost: number;
let opened: number;
/** Of the answer, token ids as they come. */
let parts: Uint8Array[];
let paid: Paid;
let tell: (event: ClientEvent) => void;

beforeEach(() => {
  [lost, opened, parts] = [0, 0, []];
  const answerIn = (channel: Uint8Array): PaidAnswer => ({
    ...PAID,
    channel,
    provider: other.key,
  });
  const api: Partial<ClientApi> = {
    models: async () => [LINGUA, WRITER],
    converse: async () => ({ tokens: 1, limit: 9, input: Uint8Array.of(1, 0) }),
    generation: async () =>
      ({
        defaults: { temperature: 0, topK: 0, topP: 65_536, penalty: 256, maxTokens: 9 },
        tokensMax: 9,
      }) as never,
    // Bytes of a pile, which are four tokens.
    textBytes: async (_, tokens) => Uint8Array.from(tokens),
    tokenise: async () => ({ tokens: [4], input: utf8('ciao') }),
    providers: async () => [other],
    account: async () => undefined as never,
    prepare: async () => ({
      chainId: 3,
      nonce: BigInt(opened),
      expiry: 100,
      fees: { slow: 1n, normal: 2n, fast: 3n },
      spendable: 1n,
    }),
    status: async () => ({ chain: { genesisId: new Uint8Array(32) } }) as never,
    openChannel: async () => ({ ...CHANNEL, id: Uint8Array.of(++opened), provider: other.key }),
    // Those that are lost are over, and others are full.
    channels: async () => [],
    async askPrepaid({ channel }) {
      if (channel[0]! <= lost) throw new AppError('CHANNEL_LOST', 'in no block');
      if (!parts.length) return answerIn(channel);
      for (const bytes of parts) tell({ type: 'part', channel, n: 1, bytes });
      return { ...answerIn(channel), model: WRITER.id, answer: concat(...parts) };
    },
    stopAsking: async () => undefined,
    answers: async () => [],
    shareAnswer: async () => new Uint8Array(),
    readAnswer: async () => PAID,
  };
  paid = paidAnswers({
    api: api as ClientApi,
    on(listener) {
      tell = listener;
      return () => undefined;
    },
    key: plainKey('22'.repeat(32)),
    purse: {
      newSigner: async () => new Uint8Array(32),
      noteOpening: async () => {},
    } as never,
    synced: async () => undefined,
    nextHead: async () => undefined,
    inTurn: (send) => send(),
  });
});

it('a question is asked over another one, a few times', async () => {
  lost = 3;
  expect((await paid.ask('lingua', 'ciao').whole()).answer.channel).toEqual(Uint8Array.of(4));
  lost = 100;
  await expect(paid.ask('lingua', 'ciao').whole()).rejects.toMatchObject({ code: 'CHANNEL_LOST' });
  expect(opened).toBe(8);
});

it('another opinion is asked for over another one, a few times', async () => {
  lost = 3;
  const { by } = await paid.verify(new Uint8Array(), { byOthers: true });
  expect(by[0]!.channel).toEqual(Uint8Array.of(4));
  lost = 100;
  const verified = paid.verify(new Uint8Array(), { byOthers: true });
  await expect(verified).rejects.toMatchObject({ code: 'CHANNEL_LOST' });
  expect(opened).toBe(8);
});

it('what came piece by piece is the whole text, also where it ends within a letter', async () => {
  const token = (byte: number): Uint8Array => Uint8Array.of(byte, 0, 0, 0);
  for (const bytes of [utf8('è 🔋'), utf8('🔋').subarray(0, 3)]) {
    parts = [...bytes].flatMap((byte) => [token(byte).subarray(0, 1), token(byte).subarray(1)]);
    const answer = paid.ask(WRITER.name, 'ciao');
    let said = '';
    for await (const piece of answer) said += piece;
    expect(said).toBe(new TextDecoder().decode(bytes));
    expect((await answer.whole()).text).toBe(said);
  }
});
