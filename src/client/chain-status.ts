/** The status of chain and network, as the client's API reports it. */
import type { LightChain } from '../chain/light/light-chain.ts';
import { CALM, finalBlocks, type Outlook } from '../chain/shared/outlook.ts';
import { ZERO_HASH } from '../core/hash.ts';
import { headerWork } from '../core/header/target.ts';
import type { NetworkParams } from '../core/params.ts';
import type { Transport } from '../net/transport.ts';
import type { ChainStatus, SyncState } from './api.ts';

export interface ChainStatusDeps {
  readonly params: NetworkParams;
  readonly transport: Pick<Transport, 'peers' | 'traffic'>;
  readonly sync: SyncState;
}

/** The status while no genesis is known. */
export function statusWithoutChain({ params, transport, sync }: ChainStatusDeps): ChainStatus {
  return {
    network: params.network,
    prefix: params.prefix,
    sync,
    height: 0,
    headId: ZERO_HASH,
    headTimeMs: 0,
    genesisId: ZERO_HASH,
    totalWork: 0n,
    proofsChecked: 0,
    difficulty: 0n,
    peers: transport.peers(),
    peersAgreeing: 0,
    peersAsked: 0,
    mempool: 0,
    holdsState: false,
    outlook: CALM,
    finalBlocks: finalBlocks(CALM),
    traffic: transport.traffic(),
  };
}

export function statusOf(
  deps: ChainStatusDeps,
  { params, headers, proofs, state }: LightChain,
  counts: Pick<ChainStatus, 'peersAgreeing' | 'peersAsked' | 'mempool'> & {
    readonly outlook: Outlook;
  },
): ChainStatus {
  const { header, id } = headers.head();
  return {
    ...statusWithoutChain(deps),
    height: header.height,
    headId: id,
    headTimeMs: header.time,
    genesisId: headers.genesis.id,
    totalWork: header.totalWork,
    proofsChecked: proofs.checked,
    difficulty: headerWork(params, header),
    peersAgreeing: counts.peersAgreeing,
    peersAsked: counts.peersAsked,
    mempool: counts.mempool,
    holdsState: state.isWhole,
    outlook: counts.outlook,
    finalBlocks: finalBlocks(counts.outlook),
  };
}
