/** Of a page: what `arithmeticDigests` gives there. */
import { arithmeticDigests } from './digests.ts';

Object.assign(globalThis, { arithmeticDigests });
