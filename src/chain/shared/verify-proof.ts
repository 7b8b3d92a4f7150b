import type { verifyLight } from '../../core/pow/proof.ts';

/** The light check of a proof of work; core's own but in simulations and tests. */
export type VerifyProof = typeof verifyLight;
