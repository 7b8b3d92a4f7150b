/** Where channels were closed: what `find` answers with, next to a transaction's own place. */
import { Position, type Body } from '../../core/formats.ts';

interface Close {
  /** Id of the channel. */
  readonly channel: Uint8Array;
  readonly position: Position;
}

/** The closes of a block. */
export const closesIn = (height: number, body: Body): Close[] =>
  body.transactions.flatMap(({ tx }, index) =>
    tx.type === 'close' ? [{ channel: tx.channel, position: { height, index } }] : [],
  );
