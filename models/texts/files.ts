/** Where the texts lie when model:texts has made them. */
import { join } from 'node:path';

/** What tools fetch and make, and nobody commits. */
export const CACHE = join(import.meta.dirname, '../../.cache');

export const textsFolder = (cache = CACHE): string => join(cache, 'texts');
export const setsFile = (cache = CACHE): string => join(textsFolder(cache), 'sets.json');
export const passagesFile = (cache = CACHE): string => join(textsFolder(cache), 'passages.json');
