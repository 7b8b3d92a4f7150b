/**
 * What to attach to a bug report. It is made of named plain values, one by one: no keys, no addresses
 * of the user, no inputs, and of peers neither names nor places.
 */
import { AGENT } from '../../chain/shared/answer.ts';
import { toHex } from '../../lib/bytes.ts';
import type { ChainStatus, ClientEvent, Diagnostics, MinerStatus } from '../api.ts';
import type { Outbox } from '../wallet/outbox.ts';

/** Problems remembered; the oldest makes room. */
const PROBLEMS_MAX = 50;

export interface DiagnosticsParts {
  readonly outbox: Outbox;
  readonly status: () => ChainStatus;
  readonly miner: () => MinerStatus;
  readonly nowMs: () => number;
}

interface Problem {
  readonly time: string;
  readonly code: string;
}

export function createDiagnostics(parts: DiagnosticsParts) {
  const problems: Problem[] = [];
  const startedMs = parts.nowMs();

  /** Codes alone: a message may name a file, a peer or an address. */
  function note(code: string): void {
    problems.push({ time: new Date(parts.nowMs()).toISOString(), code });
    if (problems.length > PROBLEMS_MAX) problems.shift();
  }

  return {
    hear(event: ClientEvent): void {
      if (event.type === 'problem') note(event.code);
      if (event.type === 'reorganised') note(`REORGANISED ${event.depth}`);
    },
    async report(): Promise<Diagnostics> {
      return {
        version: AGENT,
        time: new Date(parts.nowMs()).toISOString(),
        runningSeconds: Math.round((parts.nowMs() - startedMs) / 1000),
        ...chainPart(parts.status()),
        miner: minerPart(parts.miner()),
        sent: countStates(parts.outbox),
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
    ...{ link, penalty },
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

/** Some browsers do not tell, or only pages of https. */
async function storagePart(): Promise<Diagnostics> {
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  const { usage, quota } = (await storage?.estimate?.().catch(() => undefined)) ?? {};
  const persisted = await storage?.persisted?.().catch(() => undefined);
  const told = (value: unknown) => value ?? 'not told';
  return { usageBytes: told(usage), quotaBytes: told(quota), persisted: told(persisted) };
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
