/** A thread of signature-lanes.ts. */
import { parentPort } from 'node:worker_threads';
import type { SignedTx } from '../../core/formats.ts';
import { verifySignature } from '../../core/tx/tx.ts';
import { expose, type Port } from '../../lib/rpc.ts';

export type SignatureApi = { verify(genesis: Uint8Array, signed: readonly SignedTx[]): boolean[] };

const api: SignatureApi = {
  verify: (genesis, signed) => signed.map((each) => verifySignature(genesis, each)),
};
expose(api, parentPort as unknown as Port);
