/**
 * The first block of a local network is made at the network's first start: a node that joins one asks the
 * peers that it was given for the block before it makes a chain of its own.
 */
import { blockId, genesisPoint } from '../../core/header/header.ts';
import type { NetworkParams } from '../../core/params.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { createTransport } from '../../net/create-transport.ts';
import type { Handlers } from '../../net/transport.ts';

/** ms to wait for an answer: time for loading, a dial that fails, and a second dial. */
const ANSWER_MS_MAX = 20_000;
const ASK_EVERY_MS = 200;

const SILENT: Handlers = {
  onRequest: async () => ({ type: 'unavailable', reason: 'starting' }),
  onBlock: async () => 'ignore',
  onTx: async () => 'ignore',
  onOffer: async () => 'ignore',
  onPeers: () => {},
};

/** Time of the genesis, ms since 1970. @throws AppError GENESIS_UNKNOWN */
export async function learnGenesisTime(
  params: NetworkParams,
  bootstrap: readonly string[],
  log: Log,
): Promise<number> {
  const { chainId } = params;
  const transport = createTransport({ chainId, role: 'node', bootstrap, log });
  await transport.start(SILENT);
  try {
    for (const end = Date.now() + ANSWER_MS_MAX; Date.now() < end;) {
      for (const { id } of transport.peers()) {
        const answer = await transport.request(id, { type: 'status' }).catch((e: unknown) => {
          log.info('genesis.unanswered', { peer: id, code: AppError.from(e).code });
        });
        if (answer?.type !== 'status') continue;
        const { time } = answer.genesis;
        const point = genesisPoint(params, time);
        if (equal(point.id, blockId(answer.genesis))) return time;
        log.warn('genesis.foreign', { peer: id });
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
  } finally {
    await transport.stop();
  }
  throw new AppError(
    'GENESIS_UNKNOWN',
    `no --bootstrap peer of ${params.network} answered in ${ANSWER_MS_MAX / 1000} s; ` +
      'an empty --data folder needs one',
  );
}
