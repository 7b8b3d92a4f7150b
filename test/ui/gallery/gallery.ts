/**
 * The screens in states that are hard to reach, for looking at: `?state=running#/wallet`.
 * `npx vite test/ui/gallery`
 */
import { txId } from '../../../src/core/tx/tx.ts';
import { mount } from 'svelte';
import App from '../../../src/ui/App.svelte';
import Wiping from '../../../src/ui/settings/device/Wiping.svelte';
import { MINER_OFF } from '../../../src/client/api.ts';
import { addressOf } from '../../../src/core/address.ts';
import { encode } from '../../../src/core/codec.ts';
import { SignedTx } from '../../../src/core/formats.ts';
import { LOADERS } from '../../../src/ui/i18n/texts.svelte.ts';
import { Preferences } from '../../../src/ui/preferences.svelte.ts';
import type { PageConfig } from '../../../src/ui/engine.ts';
import { CHATS_STORE } from '../../../src/ui/ask/generate/chats/chats.svelte.ts';
import { Session } from '../../../src/ui/session.svelte.ts';
import '../../../src/ui/style.css';
import { equal } from '../../../src/lib/bytes.ts';
import { DIFFICULTY, explorerSamples } from './explorer-samples.ts';
import { moreStates, type Stage } from './more-states.ts';
import { ADDRESS, BALANCE, CHAIN, FULL_VAULT, LINGUA, MemoryEngine } from '../memory-engine.ts';

const engine = new MemoryEngine();
// Of the pictures before.
indexedDB.deleteDatabase(CHATS_STORE);
const other = new Uint8Array(32).fill(9);
const transfer = (from: Uint8Array, to: Uint8Array, amount: bigint): SignedTx => ({
  tx: {
    type: 'transfer',
    chainId: 3,
    from,
    nonce: 1n,
    expiry: 9000,
    fee: 100_000n,
    to,
    amount,
    memo: new Uint8Array(),
  },
  signature: new Uint8Array(64),
});
const running = {
  state: 'running',
  backend: 'webgpu',
  device: 'Intel Iris Xe',
  kernel: 'f32 41.23 GMAC/s (dp4a 36.10)',
  model: 'lingua',
  units: 7,
  rejected: { stale: 1 },
  macsPerSecond: 41.23e9,
  blocksFound: 1,
  answering: MINER_OFF.answering,
  problem: undefined,
} as const;

function owner(): void {
  engine.vaultStatus = FULL_VAULT;
  engine.known = BALANCE;
}

/** As if a block had come every hour: lines of many days. */
const timeAt = (height: number): number => CHAIN.headTimeMs - (CHAIN.height - height) * 3_600_000;

function payments(): void {
  const mine = FULL_VAULT.publicKey!;
  engine.vaultStatus = { ...FULL_VAULT, backedUp: true, protected: true };
  engine.entries = [
    { height: 8101, index: 0, tx: transfer(mine, addressOf(other), 2_500_000_000n) },
    { height: 7990, index: 3, tx: transfer(other, ADDRESS, 10_000_000_000n) },
    { height: 7402, index: 1, tx: transfer(other, ADDRESS, 750_000_000n) },
  ].map(({ tx, ...position }) => ({
    id: txId(other, tx.tx),
    position,
    tx,
    timeMs: timeAt(position.height),
  }));
  engine.found = [8098, 7985, 7984, 7300].map((height) => ({
    height,
    id: new Uint8Array(32).fill(height % 251),
    timeMs: timeAt(height),
    amount: 50_000_000_000n + (height === 7984 ? 10_000n : 0n),
    isProven: height !== 7984,
  }));
  const bytes = encode(SignedTx, transfer(mine, addressOf(other), 250_000_000n));
  engine.waiting = [{ id: other, bytes, state: 'pending', height: undefined }];
}

const STATES: Record<string, () => void> = {
  fresh: () => {},
  erased: () => {},
  stopped: owner,
  owner: () => (owner(), payments()),
  locked: () => {
    owner();
    payments();
    engine.vaultStatus = { ...engine.vaultStatus, locked: true };
  },
  'nobody mines': () => (owner(), (engine.gift = { mining: false })),
  running: () => (owner(), (engine.miner = running)),
  many: () => {
    owner();
    preferences.answers = true;
    const last = { model: LINGUA.id, timeMs: Date.now() - 240_000, units: 3, earned: 9_300_000n };
    const sums = { answers: 41, units: 96, earned: 297_600_000n, last };
    engine.paidWork = { ...engine.paidWork, ...sums };
    preferences.watts = 45;
    engine.miner = { ...running, units: 148, rejected: { stale: 3, recheck: 2 }, blocksFound: 9 };
    engine.workedHours = [
      { hour: '2026-11-25T08', units: 61 },
      { hour: '2026-11-25T10', units: 52 },
      { hour: '2026-11-25T11', units: 35 },
    ];
    engine.worked = [
      {
        day: '2026-11-24',
        model: 'polyglot',
        units: 212,
        blocks: 4,
        ms: 5_400_000,
        earned: 200_000_000_000n,
      },
      {
        day: '2026-11-25',
        model: 'lingua',
        units: 148,
        blocks: 9,
        ms: 1_860_000,
        earned: 450_000_000_000n,
      },
    ];
  },
  loading: () => (owner(), (engine.miner = { ...engine.miner, state: 'loading' })),
  testing: () => (owner(), (engine.miner = { ...engine.miner, state: 'testing' })),
  paused: () => (owner(), (engine.miner = { ...running, state: 'paused', macsPerSecond: 0 })),
  'paused for a time': () => {
    owner();
    const pausedUntilMs = Date.now() + 3_600_000;
    engine.miner = { ...running, state: 'paused', macsPerSecond: 0, pausedUntilMs };
  },
  nopeers: () => {
    owner();
    engine.miner = { ...running, backend: 'cpu', device: '', rejected: { 'gpu: NO_WEBGPU': 1 } };
    const headTimeMs = Date.now() - 95_000;
    const provenAt = { ...BALANCE.provenAt, timeMs: headTimeMs - 5000 };
    engine.known = { ...BALANCE, provenAt };
    engine.chain = {
      ...CHAIN,
      sync: 'offline',
      peers: [],
      peersAgreeing: 0,
      peersAsked: 0,
      headTimeMs,
    };
  },
  failed: () => {
    owner();
    engine.miner = { ...running, state: 'failed', problem: 'DEVICE_LOST', macsPerSecond: 0 };
  },
};

const samples = [transfer(other, ADDRESS, 10_000_000_000n), transfer(other, other, 250_000_000n)];
const own = engine.client.history;
const { history: others, ...explorer } = explorerSamples(samples);
const history: typeof own = (address, max, from) =>
  equal(address, ADDRESS) ? own(address, max, from) : others!(address, max, from);
Object.assign(engine.client, explorer, { history });
engine.chain = { ...engine.chain, difficulty: DIFFICULTY };

const config: PageConfig & Stage['config'] = {
  network: 'local',
  prefix: 'rpila',
  bootstrap: [],
  genesis: undefined,
  downloadBytes: 21_400_000,
};
const session = new Session(engine, async () => config);
// Nor does what this browser once promised.
navigator.storage.persisted = async () => false;
const preferences = new Preferences(navigator.languages, undefined);
const more = moreStates({ engine, session, preferences, owner, running, config });
const states = { ...STATES, ...more };
session.care.note({ type: 'battery', charging: true, percent: 80 });
const state = new URLSearchParams(location.search).get('state') ?? 'fresh';
states[state]?.();
// What this machine is like does not show: neither its battery nor how busy it is.
const note = session.care.note.bind(session.care);
session.care.note = (sensed) => sensed.type === 'intensity' && note(sensed);
/** Work at a rate that wavers, paid once: an hour of it, or the first minutes. */
const { miner } = engine;
if (miner.units > 0) {
  const count = miner.units > 100 ? 240 : 24;
  const dip = (i: number) => (i > 150 && i < 170 ? 0.3 : 0);
  const points = Array.from({ length: count }, (_, i) => ({
    timeMs: Date.now() - (count - i) * 15_000,
    macsPerSecond: running.macsPerSecond * (1 + 0.04 * Math.sin(i / 9) - dip(i)),
    units: Math.round((miner.units * i) / count),
  }));
  session.log.rates = { points, measuredMs: count * 15_000, batteryMs: 0 };
  session.log.own = new Map([[CHAIN.height - 1, miner.units - 2]]);
}
Object.assign(globalThis, { gallery: { preferences, session, states: Object.keys(states) } });
const target = document.getElementById('app')!;
if (state === 'erased') {
  const { language } = preferences;
  void LOADERS[language]().then(({ device }) =>
    mount(Wiping, { target, props: { language, t: device.erase } }),
  );
} else mount(App, { target, props: { session, preferences } });
void session.open();
