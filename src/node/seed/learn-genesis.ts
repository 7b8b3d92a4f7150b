/**
 * The first block of a local network is made at the network's first start: a node that joins one asks the
 * peers that it was given for the block before it makes a chain of its own.
 */
import { blockId, genesisPoint } from '../../core/header/header.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { ANSWER_MS_MAX, askBootstrap, type AskedNetwork } from './ask-bootstrap.ts';

/** Time of the genesis, ms since 1970. @throws AppError GENESIS_UNKNOWN */
export async function learnGenesisTime(network: AskedNetwork): Promise<number> {
  const { params, log } = network;
  const found = await askBootstrap(network, async (ask, peer) => {
    const answer = await ask({ type: 'status' });
    if (answer.type !== 'status') return undefined;
    const { time } = answer.genesis;
    const point = genesisPoint(params, time);
    if (equal(point.id, blockId(answer.genesis))) return time;
    log.warn('genesis.foreign', { peer });
    return undefined;
  });
  if (found !== undefined) return found;
  throw new AppError(
    'GENESIS_UNKNOWN',
    `no --bootstrap peer of ${params.network} answered in ${ANSWER_MS_MAX / 1000} s; ` +
      'an empty --data folder needs one',
  );
}
