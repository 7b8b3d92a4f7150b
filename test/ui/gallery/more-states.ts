/** States of the first run that a browser must be driven into, for looking at and for the audit. */
import type { MinerStatus } from '../../../src/client/api.ts';
import { UNSEEN } from '../../../src/ui/work/conditions.ts';
import type { Session } from '../../../src/ui/session.svelte.ts';
import { LINGUA, QUOTE, type MemoryEngine } from '../memory-engine.ts';

export interface Stage {
  readonly engine: MemoryEngine;
  readonly session: Session;
  /** Keys with coins. */
  readonly owner: () => void;
  readonly running: MinerStatus;
  /** What the page is told, before it asks. */
  readonly config: { version?: number; clockAheadMs?: number };
}

export const moreStates = (stage: Stage) => {
  const { engine, session, owner, running } = stage;
  const states: Record<string, () => void> = {
    fetching: () => {
      owner();
      const none = { backend: undefined, units: 0, rejected: {}, macsPerSecond: 0, blocksFound: 0 };
      engine.miner = { ...running, ...none, state: 'loading' };
      session.arriving = {
        name: LINGUA.name,
        id: LINGUA.id,
        bytes: 1_410_000,
        stored: 400_000,
        arriving: 90_000,
        state: 'fetching',
        problem: undefined,
        refused: [],
      };
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
    'old head': () => {
      owner();
      engine.miner = running;
      engine.chain = { ...engine.chain, headTimeMs: Date.now() - 400_000 };
    },
    'far block': () => {
      owner();
      engine.miner = { ...running, units: 148 };
      engine.client.quote = async () => ({ ...QUOTE, subsidyPerPass: 1n });
    },
    reorganised: () => (owner(), (session.reorganised = 3)),
    damaged: () => {
      owner();
      engine.vaultStatus = { ...engine.vaultStatus, problem: 'VAULT_CORRUPT' };
    },
    offline: () => (engine.fails = { 'vault.status': 'CONFIG_MISSING' }),
  };
  return states;
};
