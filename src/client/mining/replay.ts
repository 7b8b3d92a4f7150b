/**
 * The full check of a block with the loaded model: its results are those of the model, and running its winning
 * unit gives the same transcript. Cheap checks come first: a replay costs a whole unit, a forged header nothing.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { tryDecode } from '../../core/codec.ts';
import { isFault, type Fault } from '../../core/faults.ts';
import { OpenRequest, type Header } from '../../core/formats.ts';
import type { Block } from '../../core/messages.ts';
import { verifyLight } from '../../core/pow/proof.ts';
import { hasJob } from '../../core/pow/seed.ts';
import { verifyJob } from '../../core/state.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { toHex } from '../../lib/bytes.ts';
import type { ChainNetwork } from '../models/networks.ts';
import type { BlockReplay } from '../sync/full-check.ts';
import type { MinerWorker } from './miner-worker.ts';
import { known } from './open-requests.ts';
import type { Results } from './results.ts';

export interface ReplayDeps {
  readonly network: ChainNetwork;
  readonly chain: LightChain;
  readonly worker: MinerWorker;
  readonly results: Results;
}

export function createReplay({ network, chain, worker, results }: ReplayDeps): BlockReplay {
  /** Input of the request that a header names, from the state that it builds on. */
  function requestInput(header: Header): Uint8Array | Fault | undefined {
    const tree = chain.state.after(header.prevHash);
    if (!tree) return undefined;
    const wrong = verifyJob(tree, header);
    if (wrong) return wrong.fault === 'state.witness' ? undefined : wrong;
    const leaf = known(tree, stateKey.request(header.jobId));
    return leaf && tryDecode(OpenRequest, leaf)?.input;
  }

  return {
    async replay({ header, proof, body }: Block): Promise<Fault | undefined> {
      const manifest = network.models.get(toHex(header.modelId));
      if (!manifest || !worker.canReplay(header.modelId)) return undefined;

      const input = hasJob(header) ? requestInput(header) : undefined;
      if (isFault(input)) return input;
      // Without the request's input there is no unit to replay.
      if (hasJob(header) && !input) return undefined;

      const verifyProof = network.verifyProof ?? verifyLight;
      const wrongProof = verifyProof(network.params, header, proof, manifest);
      if (wrongProof) return wrongProof;

      const { rules } = network.params;
      const falseResult = results.check(body, chain.state.after(header.prevHash));
      const refused = rules.first([falseResult]);
      if (refused) return refused;

      return rules.first(await worker.replay(header, proof, input));
    },
  };
}
