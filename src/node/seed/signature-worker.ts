/** A thread of signature-lanes.ts. */
import { parentPort } from 'node:worker_threads';
import type { SignedTx } from '../../core/formats.ts';
import { verifySignature } from '../../core/tx/tx.ts';
import { expose, type Port } from '../../lib/rpc.ts';

export type SignatureApi = { verify(signed: readonly SignedTx[]): boolean[] };

const api: SignatureApi = { verify: (signed) => signed.map(verifySignature) };
expose(api, parentPort as unknown as Port);
