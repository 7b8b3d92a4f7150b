/** A follower of a light chain as peer.ts builds it, and what a test says for the rest. */
import type { LightChain } from '../../src/chain/light/light-chain.ts';
import type { PeerEvents } from '../../src/client/peer-events.ts';
import { createChainReader } from '../../src/client/sync/chain-reader.ts';
import { createFollower } from '../../src/client/sync/follow.ts';
import { FullCheck, type UnitReplay } from '../../src/client/sync/full-check.ts';
import type { HeadReactions } from '../../src/client/sync/settle-head.ts';
import { Emitter } from '../../src/lib/events.ts';
import type { Transport } from '../../src/net/transport.ts';
import { MODELS, PARAMS } from '../chain/make-blocks.ts';

export interface FollowerOptions {
  readonly onHead?: HeadReactions['run'] | undefined;
  /** Of blocks whose model is loaded; absent: none is. */
  readonly replay?: UnitReplay['replay'] | undefined;
  readonly turnMs?: number | undefined;
  /** ms since 1970; a clock that stands still by default. */
  readonly nowMs?: (() => number) | undefined;
}

export function openFollower(
  chain: LightChain,
  transport: Transport,
  { onHead, replay, turnMs, nowMs = () => 0 }: FollowerOptions = {},
) {
  const events = new Emitter<PeerEvents>();
  const reader = createChainReader(chain, transport);
  const fullCheck = new FullCheck({
    network: { params: PARAMS, models: MODELS, names: [], verifyProof: () => undefined },
    chain,
    miner: { canReplay: () => replay !== undefined, replay: replay ?? (async () => []) },
    transport,
    builtFrom: () => undefined,
    onFalse: () => undefined,
  });
  const follower = createFollower({
    chain,
    transport,
    reader,
    fullCheck,
    reactions: { run: onHead ?? (async () => undefined) },
    events,
    nowMs,
    turnMs,
  });
  return { events, reader, follower };
}
