/** Of a page: what `arithmeticDigests` and `calibrationDigest` give there. */
import { arithmeticDigests, calibrationDigest } from './digests.ts';

Object.assign(globalThis, { arithmeticDigests, calibrationDigest });
