/** Of a page: what `arithmeticDigests` and `importedId` give there. */
import { arithmeticDigests, importedId } from './digests.ts';

Object.assign(globalThis, { arithmeticDigests, importedId });
