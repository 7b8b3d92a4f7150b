/** Channels of a program that a branch leaves out before anything was paid: it opens others with the same provider. */
import { beforeEach, expect, it } from 'vitest';
import type { ClientApi, PaidAnswer } from '../../src/client/api.ts';
import { utf8 } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import type { Paid } from '../../src/package/paid-api.ts';
import { paidAnswers } from '../../src/package/paid.ts';
import { plainKey } from '../../src/wallet/plain-key.ts';
import { CHANNEL, LINGUA, PAID, PROVIDER } from '../ui/memory-engine.ts';

const other = { ...PROVIDER, key: new Uint8Array(32).fill(9) };
/** How many openings a branch leaves out. */
let lost: number;
let opened: number;
let paid: Paid;

beforeEach(() => {
  [lost, opened] = [0, 0];
  const answerIn = (channel: Uint8Array): PaidAnswer => ({
    ...PAID,
    channel,
    provider: other.key,
  });
  const api: Partial<ClientApi> = {
    models: async () => [LINGUA],
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
      return answerIn(channel);
    },
    stopAsking: async () => undefined,
    answers: async () => [],
    shareAnswer: async () => new Uint8Array(),
    readAnswer: async () => PAID,
  };
  paid = paidAnswers({
    api: api as ClientApi,
    on: () => () => undefined,
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
