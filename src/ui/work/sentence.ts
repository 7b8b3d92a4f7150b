/** Which one sentence tells the miner's state, and what a person can press in it. Pure. */
import type { ChainStatus, Holding, MinerState, MinerStatus } from '../../client/api.ts';

export type SentenceKey =
  | 'off'
  | 'starting'
  | 'loading'
  | 'testing'
  | 'runningGpu'
  | 'runningCpu'
  | 'held'
  | 'needsModel'
  | 'checksBlocks'
  | 'finishing'
  | 'paused'
  | 'noPeers'
  | 'syncing'
  | 'failed';

export interface Sentence {
  readonly key: SentenceKey;
  readonly tone: 'idle' | 'work' | 'wait' | 'bad';
}

const RUNNING_ON: Readonly<Record<NonNullable<MinerStatus['backend']>, SentenceKey>> = {
  webgpu: 'runningGpu',
  cpu: 'runningCpu',
};

const BY_STATE: Record<Exclude<MinerState, 'running'>, Sentence> = {
  off: { key: 'off', tone: 'idle' },
  loading: { key: 'loading', tone: 'wait' },
  testing: { key: 'testing', tone: 'wait' },
  finishing: { key: 'finishing', tone: 'work' },
  paused: { key: 'paused', tone: 'idle' },
  failed: { key: 'failed', tone: 'bad' },
};

/** What else the sentence depends on. */
export interface Around {
  /** Pressed, and the worker has not spoken yet. */
  readonly starting?: boolean;
  /** The page's care lets nothing run. */
  readonly held?: boolean;
  readonly holding?: Pick<Holding, 'missing' | 'uncheckedMs'>;
}

export function sentenceOf(
  miner: Pick<MinerStatus, 'state' | 'backend'>,
  chain: Pick<ChainStatus, 'sync' | 'peers'> | undefined,
  around: Around = {},
): Sentence {
  const { state, backend } = miner;
  if (around.starting && (state === 'off' || state === 'paused'))
    return { key: 'starting', tone: 'wait' };
  if (state !== 'running') return BY_STATE[state];
  const waits = waitsFor(chain, around);
  if (waits) return { key: waits, tone: 'wait' };
  return { key: RUNNING_ON[backend ?? 'cpu'], tone: 'work' };
}

/** What keeps a miner that runs from work. */
function waitsFor(
  chain: Pick<ChainStatus, 'sync' | 'peers'> | undefined,
  { held, holding }: Around,
): SentenceKey | undefined {
  if (held) return 'held';
  if (chain && (chain.sync === 'offline' || chain.peers.length === 0)) return 'noPeers';
  if (chain && chain.sync !== 'synced') return 'syncing';
  if (holding?.uncheckedMs !== 0) return undefined;
  return holding.missing.length ? 'needsModel' : 'checksBlocks';
}

export interface Controls {
  readonly start: 'start' | 'resume' | 'again' | undefined;
  readonly pause: boolean;
}

export function controlsOf(state: MinerState): Controls {
  const working = state === 'loading' || state === 'testing' || state === 'running';
  return {
    start:
      state === 'off'
        ? 'start'
        : state === 'paused'
          ? 'resume'
          : state === 'failed'
            ? 'again'
            : undefined,
    pause: working || state === 'finishing',
  };
}

/** It works, and has no rate yet: unknown, where a miner at rest has the rate 0. */
export const isMeasuring = (
  { state, macsPerSecond }: Pick<MinerStatus, 'state' | 'macsPerSecond'>,
  held: boolean,
): boolean => isWorking(state) && !held && macsPerSecond === 0;

export const isWorking = (state: MinerState): boolean => controlsOf(state).pause;
