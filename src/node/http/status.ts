/** `GET /status.json` and the RPC method `status`: what this node knows, in one answer. */
import { blockId } from '../../core/header/header.ts';
import { headerWork } from '../../core/header/target.ts';
import { versionAt } from '../../core/header/tables.ts';
import { toHex } from '../../lib/bytes.ts';
import type { SeedDeps } from '../seed/seed-deps.ts';
import { healthOf } from './health.ts';
import { sendJson, type Route } from './http.ts';

export function statusOf(deps: SeedDeps): object {
  const { chain, network, genesis, transport } = deps;
  const { id, header } = chain.head();
  return {
    network: network.params.network,
    version: versionAt(network.params, header.height),
    genesis: toHex(blockId(genesis)),
    head: toHex(id),
    ...healthOf(deps),
    timeMs: header.time,
    totalWork: header.totalWork.toString(),
    difficulty: headerWork(chain.params, header).toString(),
    mempool: chain.mempool.size,
    models: network.names,
    webrtcDirect: transport.addresses().some((a) => a.includes('/webrtc-direct/')),
  };
}

/** Pages of any origin may show a public node. */
export const statusRoute =
  (deps: SeedDeps): Route =>
  (_request, response) => {
    if (deps.options.isPublic) response.setHeader('access-control-allow-origin', '*');
    sendJson(response, 200, statusOf(deps));
  };
