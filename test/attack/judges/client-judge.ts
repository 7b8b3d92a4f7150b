/** The headless miner as a judge: the client that `npm run miner` runs, in this process. */
import type { ClientApi, ClientConfig } from '../../../src/client/api.ts';
import { createClient } from '../../../src/client/client.ts';
import type { ChainNetwork } from '../../../src/client/models/networks.ts';
import type { FaultCode } from '../../../src/core/faults.ts';
import type { Params } from '../../../src/core/params.ts';
import type { SignedTx } from '../../../src/core/formats.ts';
import type { Block } from '../../../src/core/messages.ts';
import { createNodePlatform } from '../../../src/node/client-platform.ts';
import { loadModel, SETTLE_MS, settledHead, WATCHED } from './client-api.ts';
import { heardOf, type Heard, type Judge, type JudgeName } from './judge.ts';
import { Wire, type AnswerOf } from './wire.ts';

export interface ClientJudge extends Judge {
  readonly wire: Wire;
  readonly api: ClientApi;
}

/** The same rules, which remember what they found last. */
function listening<P extends Pick<Params, 'rules'>>(params: P) {
  let last: FaultCode | undefined;
  const rules = params.rules.without();
  const first = rules.first.bind(rules);
  rules.first = (faults) => {
    const found = first(faults);
    last = found?.fault ?? last;
    return found;
  };
  return { params: { ...params, rules }, lastFault: () => last };
}

export interface ClientJudgeOptions {
  readonly name: JudgeName;
  readonly network: ChainNetwork;
  /** Encoded genesis in hex. */
  readonly genesis: string;
  readonly answer: AnswerOf;
  /** Its model; undefined: it has none, as a page that does not mine. */
  readonly model: string | undefined;
  /** ms in which it has executed its head. */
  readonly settleMs?: number;
}

export async function openClientJudge(options: ClientJudgeOptions): Promise<ClientJudge> {
  const { name, network, genesis, answer, model, settleMs = SETTLE_MS } = options;
  const wire = new Wire(answer);
  wire.join('honest');
  const platform = createNodePlatform({ network: network.params.network });
  const config: ClientConfig = { network: network.params.network, bootstrap: [], genesis };
  const { params, lastFault } = listening(network.params);
  const client = await createClient({ ...platform, createTransport: async () => wire }, config, {
    ...network,
    params,
  });
  if (model) await loadModel(client.api, model);
  else await client.api.watch(WATCHED);
  return {
    name,
    wire,
    api: client.api,
    lastFault,
    tell: async (peer: string, block: Block): Promise<Heard> =>
      heardOf(await wire.tell(peer, block)),
    tellTx: async (peer: string, tx: SignedTx): Promise<Heard> =>
      heardOf(await wire.tellTx(peer, tx)),
    head: () => settledHead(client.api, settleMs),
    points: async (peer) => wire.points(peer),
    meet: async (peer) => wire.join(peer),
    leave: async (peer) => wire.leave(peer),
    async stop() {
      await client.stop();
      await platform.close();
    },
  };
}
