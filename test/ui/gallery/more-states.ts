/** States of the first run that a browser must be driven into, for looking at and for the audit. */
import {
  HOLDING_ALL,
  type Holding,
  type MinerStatus,
  type StoredModel,
} from '../../../src/client/api.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import type { Preferences } from '../../../src/ui/preferences.svelte.ts';
import { UNSEEN } from '../../../src/ui/work/conditions.ts';
import { createIdbStore } from '../../../src/chain/store/idb-store.ts';
import { encode } from '../../../src/core/codec.ts';
import { CHATS_STORE } from '../../../src/ui/ask/generate/chats/chats.svelte.ts';
import {
  CHATS_MAX,
  KeptChat,
  newChat,
  type Answer,
} from '../../../src/ui/ask/generate/chats/kept-chat.ts';
import { AppError } from '../../../src/lib/errors.ts';
import type { Session } from '../../../src/ui/session.svelte.ts';
import { searchStates } from './search-states.ts';
import {
  ANSWER,
  BALANCE,
  CHANNEL,
  EMPTY_VAULT,
  FULL_VAULT,
  LINGUA,
  PAID,
  PROVIDER,
  WRITER,
  type MemoryEngine,
} from '../memory-engine.ts';

export interface Stage {
  readonly engine: MemoryEngine;
  readonly session: Session;
  readonly preferences: Preferences;
  /** Keys with coins. */
  readonly owner: () => void;
  readonly running: MinerStatus;
  /** What the page is told, before it asks. */
  readonly config: { version?: number; clockAheadMs?: number; served?: unknown };
}

export const moreStates = (stage: Stage) => {
  const { engine, session, owner, running } = stage;
  const states: Record<string, () => void> = {
    fetching: () => {
      owner();
      const none = { backend: undefined, units: 0, rejected: {}, macsPerSecond: 0, blocksFound: 0 };
      engine.miner = { ...running, ...none, state: 'loading' };
      const arriving: StoredModel = {
        ...engine.kept.models[0]!,
        stored: 400_000,
        arriving: 90_000,
        state: 'fetching',
      };
      session.arriving = { [LINGUA.name]: arriving };
    },
    install: () => {
      owner();
      engine.miner = running;
      setTimeout(() => {
        const prompt = async () => ({ outcome: 'dismissed' });
        dispatchEvent(Object.assign(new Event('beforeinstallprompt'), { prompt }));
      });
    },
    battery: () => {
      owner();
      engine.miner = { ...running, macsPerSecond: 0 };
      session.care.note({ type: 'battery', charging: false, percent: 40 });
    },
    'no webgpu': () => (session.browser = { ...UNSEEN, hasWebGpu: false }),
    'old browser': () =>
      (session.browser = { ...UNSEEN, missing: ['Web Locks', 'BroadcastChannel'] }),
    insecure: () => (session.browser = { ...UNSEEN, isSecure: false }),
    private: () => (session.browser = { ...UNSEEN, roomBytes: 120_000_000 }),
    'no files': () => (session.browser = { ...UNSEEN, hasFiles: false }),
    'dear file': () => (engine.fails = { 'vault.importFile': 'FILE_DEAR' }),
    'storage refused': () => (engine.fails = { 'vault.status': 'STORAGE_FAILED' }),
    'wrong clock': () => (stage.config.clockAheadMs = 3_600_000 * 3),
    'slow clock': () => (stage.config.clockAheadMs = -300_000),
    'old version': () => (stage.config.version = 1000),
    'battery before': () => session.care.note({ type: 'battery', charging: false, percent: 40 }),
    'gpu lost': () => {
      owner();
      engine.miner = {
        ...running,
        backend: 'cpu',
        device: '',
        rejected: { 'gpu: DEVICE_LOST': 1 },
      };
    },
    inexact: () => {
      owner();
      const inexact = { backend: 'cpu', model: 'lingua', step: 3 } as const;
      engine.miner = { ...running, backend: 'cpu', device: '', inexact };
    },
    ...modelStates(stage),
    'old head': () => {
      owner();
      engine.miner = running;
      engine.chain = { ...engine.chain, headTimeMs: Date.now() - 400_000 };
    },
    'rules changing': () => {
      owner();
      engine.chain = { ...engine.chain, outlook: { rules: 'changing', isWeak: false } };
    },
    'rules ended': () => {
      owner();
      const outlook = { rules: 'ended', isWeak: false } as const;
      engine.chain = { ...engine.chain, outlook, finalBlocks: undefined };
    },
    'weak network': () => {
      owner();
      const outlook = { rules: 'known', isWeak: true } as const;
      engine.chain = { ...engine.chain, outlook, finalBlocks: 60 };
    },
    'far block': () => {
      owner();
      engine.miner = { ...running, units: 148 };
      engine.chain = { ...engine.chain, difficulty: engine.chain.difficulty << 40n };
    },
    reorganised: () => (owner(), (session.reorganised = 3)),
    damaged: () => {
      owner();
      engine.vaultStatus = { ...engine.vaultStatus, problem: 'VAULT_CORRUPT' };
    },
    ...prepaidStates(stage),
    ...servedStates(stage),
    ...writingStates(stage),
    ...searchStates(stage),
    offline: () => (engine.fails = { 'vault.status': 'CONFIG_MISSING' }),
  };
  return states;
};

/** Of mined models that are not here: on their way, not to be had, asked for, declined, and waited for. */
function modelStates({
  engine,
  session,
  preferences,
  running,
  owner,
}: Stage): Record<string, () => void> {
  const missing = [
    { name: 'polyglot', bytes: 1_915_513 },
    { name: 'minilm', bytes: 22_900_000 },
  ];
  const lacks =
    (change: Partial<Holding>, miner: Partial<MinerStatus> = {}) =>
    () => {
      owner();
      engine.miner = { ...running, ...miner };
      engine.holding = { ...HOLDING_ALL, missing, uncheckedMs: 561_000, ...change };
    };
  return {
    'models behind': () => {
      lacks({})();
      const arriving: StoredModel = {
        ...engine.kept.models[0]!,
        name: 'polyglot',
        bytes: 1_915_513,
        stored: 700_000,
        arriving: 90_000,
        state: 'fetching',
      };
      session.arriving = { polyglot: arriving };
    },
    'models failing': lacks({ problem: 'MODEL_STORE_FULL' }),
    'models asked': lacks({ consent: 'ask' }),
    'models declined': () => {
      lacks({ uncheckedMs: undefined }, { state: 'paused' })();
      preferences.fetches = 'decline';
    },
    'model waited for': lacks({ uncheckedMs: 0 }),
    'blocks checked': lacks({ missing: [], uncheckedMs: 0 }),
  };
}

/** Of a language model: at the page's server and not, on its way, waited for, too large, here. */
function servedStates({ engine, session, owner, config }: Stage): Record<string, () => void> {
  const id = new Uint8Array(32).fill(0x5a);
  const smollm2: StoredModel = {
    name: 'smollm2',
    id,
    isServed: true,
    licence: 'Apache-2.0',
    attribution:
      'SmolLM2-135M-Instruct by HuggingFaceTB ' +
      '(https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct). Changed: rounded to whole numbers for Pila.',
    bytes: 143_700_000,
    stored: 0,
    arriving: 0,
    state: 'absent',
    waitMs: undefined,
    problem: undefined,
    refused: [],
  };
  const has =
    (change: Partial<StoredModel>, isHeld = true) =>
    () => {
      owner();
      if (isHeld) config.served = [{ id: toHex(id) }];
      const model = { ...smollm2, ...change };
      engine.kept = { ...engine.kept, models: [...engine.kept.models, model] };
      if (model.state === 'fetching') session.arriving = { [model.name]: model };
    };
  const part = { stored: 61_000_000, arriving: 2_100_000, state: 'fetching' } as const;
  return {
    'language model offered': has({}),
    'language model elsewhere': has({}, false),
    'language model fetching': has(part),
    'language model waiting': has({ ...part, arriving: 0, waitMs: 540_000 }),
    'language model stopped': has({ ...part, arriving: 0, state: 'partial' }),
    'language model failing': has({ problem: 'MODEL_CORRUPT' }),
    'language model without room': () => {
      has({})();
      engine.kept = { ...engine.kept, quotaBytes: 60_000_000 };
    },
    'language model here': has({ stored: smollm2.bytes, state: 'stored' }),
  };
}

const WRITTEN =
  'A battery makes electricity from chemistry. Two different metals stand in an acid, and one of them gives ' +
  'electrons more easily than the other.\n\nVolta stacked discs of zinc and copper, with wet cloth between ' +
  'them:\n\n1. zinc dissolves and leaves electrons behind;\n2. copper takes them up;\n3. a wire lets them ' +
  'flow from one to the other, as long as there is zinc.';

const said = (text: string, change: Partial<Answer> = {}): Answer => ({
  text,
  tokens: 97,
  end: 'stop',
  seed: '042713',
  model: 'smollm2',
  unread: 0,
  read: [],
  ...change,
});
const HOUR_MS = 3_600_000;
/** As they are kept. */
const CHATS: readonly KeptChat[] = [
  {
    ...newChat(),
    revision: 3,
    changedMs: Date.now() - 90_000,
    turns: [
      { question: 'How does a battery work?', answer: said(WRITTEN) },
      {
        question: 'Compare zinc and copper.',
        answer: said(
          '## Two metals\n\n| | zinc | copper |\n|-|-|-|\n| gives electrons | **easily** | hardly |\n' +
            '| in acid | dissolves | stays |\n\n> The further apart, the higher the *voltage*.\n\n' +
            '```\nvoltage = copper - zinc\n        = 0.34 V + 0.76 V\n```\n\n' +
            'See [this table](https://example.org/potentials) and `0.76 V`.',
          { tokens: 121, end: 'length', unread: 1 },
        ),
      },
    ],
  },
  {
    ...newChat(),
    name: 'Galvani',
    revision: 1,
    changedMs: Date.now() - 5 * HOUR_MS,
    turns: [{ question: 'Who was Galvani?', answer: null }],
  },
  {
    ...newChat(),
    revision: 1,
    changedMs: Date.now() - 50 * HOUR_MS,
    turns: [{ question: 'Write a letter to the Royal Society about the pile', answer: null }],
  },
];

/** Written before the screen reads them: its reading waits behind. */
function keep(chats: readonly KeptChat[]): void {
  const puts = chats.map((chat, i) => ({
    key: `chat/${String(i).padStart(3, '0')}`,
    value: encode(KeptChat, chat),
  }));
  void createIdbStore(CHATS_STORE).then(async (store) => {
    await store.batch(puts);
    await store.close();
  });
}

/** A language model on this device: asked, in the middle of its answer, at its end, and refused. */
function writingStates({ engine }: Stage): Record<string, () => void> {
  const writer = () => {
    engine.client.models = async () => [WRITER, LINGUA];
    // Its seed is always the same.
    crypto.getRandomValues = (array) => {
      new Uint8Array(array.buffer).fill(7);
      return array;
    };
    const [model] = engine.kept.models as [StoredModel];
    const bytes = 138_000_000;
    const whole = { bytes, stored: bytes, state: 'stored', licence: 'Apache-2.0' } as const;
    engine.kept = { ...engine.kept, models: [{ ...model, ...WRITER, ...whole, isServed: true }] };
  };
  const half = WRITTEN.slice(0, 240);
  return {
    writer,
    'writer at work': () => {
      writer();
      engine.pieces = [
        { text: half.slice(0, 9), tokens: 2, finish: undefined },
        { text: half.slice(9), tokens: 52, finish: undefined },
        'waits',
      ];
      // The pace of a phone, whatever the machine is.
      let nowMs = 0;
      performance.now = () => nowMs;
      const { generated } = engine.client;
      engine.client.generated = async (answer) => {
        const came = await generated(answer);
        nowMs = 80 * came.tokens;
        return came;
      };
    },
    /** Some conversations are kept; the newest is gone on with. */
    chat: () => {
      writer();
      keep(CHATS);
      engine.client.converse = async (_id, { length }) => ({
        tokens: 700 + 230 * length,
        limit: 2047,
        input: new Uint8Array(2),
      });
    },
    'chat full': () => {
      writer();
      const [newest, ...others] = CHATS;
      const more = Array.from({ length: CHATS_MAX - CHATS.length }, (_, i) => ({
        ...others[0]!,
        name: `${i + 1}`,
        changedMs: Date.now() - 24 * (CHATS_MAX - i) * HOUR_MS,
      }));
      keep([{ ...newest!, turns: newest!.turns.slice(0, 1) }, ...others, ...more]);
    },
    'writer done': () => {
      writer();
      engine.pieces = [{ text: WRITTEN, tokens: 97, finish: 'stop' }];
    },
    'writer too long': () => {
      writer();
      const long = { tokens: 2304, limit: 2047, input: undefined };
      engine.client.converse = async () => long;
    },
  };
}

/** Of prepaid answers: nobody offers, somebody does, coins are set aside, an answer comes, all that can go wrong. */
function prepaidStates({ engine, session, owner }: Stage): Record<string, () => void> {
  const id = (fill: number) => new Uint8Array(32).fill(fill);
  const backedUp = () => {
    owner();
    engine.vaultStatus = { ...FULL_VAULT, backedUp: true, protected: true };
    engine.kept = {
      ...engine.kept,
      models: engine.kept.models.map((model) => ({ ...model, stored: model.bytes })),
    };
  };
  const offers = () => {
    backedUp();
    const dear = { type: 'sequence', amount: 4_650_000n } as const;
    const other = { key: id(0x3d), payee: id(0x3e), price: dear, queue: 3, waitSeconds: 140 };
    engine.offered = [PROVIDER, { ...PROVIDER, ...other }];
  };
  const prepaid = () => {
    offers();
    engine.offered = [{ ...PROVIDER, paid: CHANNEL.spent }, ...engine.offered.slice(1)];
    engine.prepaid = [CHANNEL];
    const checked = { ...PAID, n: 199, verdict: 'equal' } as const;
    const wrong = { ...PAID, n: 198, provider: id(0x3d), verdict: 'false' } as const;
    engine.paidAnswers = [PAID, checked, wrong];
  };
  /** A model of words that takes texts of three lengths. */
  const words = () => {
    prepaid();
    const shapes = [64, 128, 256].map((tokens) => ({ sequences: 512 / tokens, tokens }));
    const bytes = { inputBytesMax: 4096, sequenceBytes: 512, answerSize: 384 };
    const form = { packing: 'u16', shapes, tokenizerBytes: 711_000, labels: [] };
    engine.client.models = async () => [{ ...LINGUA, ...form, ...bytes, name: 'polyglot' }];
    engine.client.tokenise = async (_id, texts) => {
      const tokens = texts.map((text) => text.split(' ').length + 2);
      const input = new Uint8Array(512 * texts.length);
      for (const [i, n] of tokens.entries()) input.fill(1, 512 * i, 512 * i + 2 * n);
      return { tokens, input: tokens.some((n) => n > 256) ? undefined : input };
    };
  };
  /** Of the newest answer: whether others gave the same. */
  const opinions = (others: readonly ('equal' | 'other')[]) => () => {
    prepaid();
    const wrong = ANSWER.toReversed();
    const said = others.map((one, i) => {
      const answer = one === 'equal' ? ANSWER : wrong;
      return { ...PAID, n: 150 + i, channel: id(0x90 + i), provider: id(0x90 + i), answer };
    });
    engine.paidAnswers = [PAID, ...said];
  };
  return {
    words,
    'model not here': () => {
      owner();
      const { models } = engine.kept;
      const lingua = { ...models[0]!, state: 'absent', stored: 0 } as const;
      engine.kept = { ...engine.kept, models: [lingua, ...models.slice(1)], usedBytes: 0 };
      engine.kept = { ...engine.kept, quotaBytes: 600_000 };
      Object.defineProperty(navigator, 'deviceMemory', { value: 0.25 });
    },
    'ask offline': () => {
      engine.chain = {
        ...engine.chain,
        sync: 'offline',
        peers: [],
        peersAgreeing: 0,
        peersAsked: 0,
      };
    },
    'nobody offers': backedUp,
    offers,
    prepaid,
    'prepaid no coins': () => {
      offers();
      engine.known = { ...BALANCE, spendable: 0n, immature: 0n };
      const prepare = engine.client.prepare;
      engine.client.prepare = async (...args) => ({ ...(await prepare(...args)), spendable: 0n });
    },
    'prepaid no keys': () => {
      offers();
      [engine.vaultStatus, engine.known] = [EMPTY_VAULT, undefined];
    },
    'prepaid locked': () => {
      offers();
      engine.vaultStatus = { ...engine.vaultStatus, locked: true };
    },
    'prepaid troubles': () => {
      prepaid();
      const states = ['waiting', 'ending', 'closing', 'over', 'distrusted'] as const;
      engine.prepaid = [
        ...states.map((state, i) => ({ ...CHANNEL, id: id(i + 1), state })),
        { ...CHANNEL, problem: 'PROVIDER_GONE' },
      ];
      engine.falseOnes = [{ key: id(0x3d), code: 'ANSWER_FALSE', timeMs: 0 }];
      engine.chain = {
        ...engine.chain,
        sync: 'offline',
        peers: [],
        peersAgreeing: 0,
        peersAsked: 0,
      };
      session.chain = engine.chain;
    },
    'prepaid arriving': () => {
      prepaid();
      engine.asking = Promise.withResolvers();
    },
    'prepaid gone': () => {
      prepaid();
      engine.fails = { 'client.askPrepaid': 'PROVIDER_GONE' };
    },
    'prepaid instead': () => {
      prepaid();
      engine.client.askPrepaid = async () => {
        engine.offered = engine.offered.map((one, i) => (i ? one : { ...one, gaveNothing: true }));
        throw new AppError('PROVIDER_GONE', 'it was tried');
      };
    },
    'another opinion': opinions(['equal']),
    'another opinion against': opinions(['other']),
    'two opinions against': opinions(['other', 'other']),
  };
}
