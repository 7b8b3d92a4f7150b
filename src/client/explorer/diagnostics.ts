/**
 * What to attach to a bug report. It consists of plain values that are named one by one: no keys, no addresses
 * of the user, no inputs, and neither ids nor addresses of peers.
 */
import { AGENT } from '../../chain/shared/answer.ts';
import { toHex } from '../../lib/bytes.ts';
import type { Emitter } from '../../lib/events.ts';
import type { ChainStatus, Diagnostics, MinerStatus } from '../api.ts';
import type { MinerWorker } from '../mining/miner-worker.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { Outbox } from '../wallet/outbox.ts';

/** Problems remembered; the oldest makes room. */
const PROBLEMS_MAX = 50;

export interface DiagnosticsDeps {
  readonly outbox: Outbox;
  readonly status: () => ChainStatus;
  readonly worker: Pick<MinerWorker, 'status'>;
  readonly events: Emitter<PeerEvents>;
  readonly nowMs: () => number;
}

interface Problem {
  readonly time: string;
  readonly code: string;
}

export interface DiagnosticsReport {
  report(): Promise<Diagnostics>;
}

export function createDiagnostics(deps: DiagnosticsDeps): DiagnosticsReport {
  const problems: Problem[] = [];
  const startedMs = deps.nowMs();

  /** Only codes are kept: a message may name a file, a peer or an address. */
  function note(code: string): void {
    problems.push({ time: new Date(deps.nowMs()).toISOString(), code });
    if (problems.length > PROBLEMS_MAX) problems.shift();
  }

  deps.events.on('report', (event) => {
    if (event.type === 'problem') note(event.code);
    if (event.type === 'reorganised') note(`REORGANISED ${event.depth}`);
  });

  return {
    async report(): Promise<Diagnostics> {
      return {
        version: AGENT,
        time: new Date(deps.nowMs()).toISOString(),
        runningSeconds: Math.round((deps.nowMs() - startedMs) / 1000),
        ...chainPart(deps.status()),
        miner: minerPart(deps.worker.status()),
        sent: countStates(deps.outbox),
        storage: await storagePart(),
        environment: environmentPart(),
        problems: [...problems],
      };
    },
  };
}

const chainPart = (chain: ChainStatus): Diagnostics => ({
  network: chain.network,
  genesis: toHex(chain.genesisId),
  sync: chain.sync,
  head: {
    height: chain.height,
    id: toHex(chain.headId),
    time: new Date(chain.headTimeMs).toISOString(),
  },
  totalWork: String(chain.totalWork),
  difficulty: String(chain.difficulty),
  proofsChecked: chain.proofsChecked,
  holdsState: chain.holdsState,
  waiting: chain.mempool,
  peersAgreeing: chain.peersAgreeing,
  peers: chain.peers.map(({ link, address, penalty }) => ({
    link,
    penalty,
    address: withoutPlaces(address),
  })),
});

const minerPart = (miner: MinerStatus): Diagnostics => ({
  state: miner.state,
  backend: miner.backend ?? 'none',
  device: miner.device,
  kernel: miner.kernel,
  model: miner.model,
  units: miner.units,
  rejected: { ...miner.rejected },
  macsPerSecond: Math.round(miner.macsPerSecond),
  blocksFound: miner.blocksFound,
  problem: miner.problem ?? 'none',
  inexact: miner.inexact ? { ...miner.inexact } : 'none',
});

/** Names of protocols in a multiaddr; their values (hosts, ports, peers, certificates) stay out. */
const PROTOCOLS =
  /^(ip[46]|dns[46]?|dnsaddr|tcp|udp|tls|sni|wss?|https?|webrtc|webrtc-direct|p2p|p2p-circuit)$/;

export const withoutPlaces = (address: string): string =>
  `/${address
    .split('/')
    .filter((part) => PROTOCOLS.test(part))
    .join('/')}`;

function countStates(outbox: Outbox): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of outbox.all()) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

/** The state of the origin's storage; some browsers report none, or only on https pages. */
async function storagePart(): Promise<Diagnostics> {
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  const { usage, quota } = (await storage?.estimate?.().catch(() => undefined)) ?? {};
  const persisted = await storage?.persisted?.().catch(() => undefined);
  const orUnknown = (value: unknown) => value ?? 'not told';
  return {
    usageBytes: orUnknown(usage),
    quotaBytes: orUnknown(quota),
    persisted: orUnknown(persisted),
  };
}

function environmentPart(): Diagnostics {
  const navigator = globalThis.navigator as
    { userAgent?: string; hardwareConcurrency?: number } | undefined;
  return {
    agent: navigator?.userAgent ?? 'not told',
    cores: navigator?.hardwareConcurrency ?? 0,
    webgpu: navigator !== undefined && 'gpu' in navigator,
    locks: navigator !== undefined && 'locks' in navigator,
    peerConnections: 'RTCPeerConnection' in globalThis,
    isolated: globalThis.crossOriginIsolated === true,
  };
}
