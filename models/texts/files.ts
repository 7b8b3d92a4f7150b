/** Where the texts lie when model:texts has made them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sets } from './sets.ts';

export const TEXTS = join(import.meta.dirname, '../../.cache/texts');
export const SETS_FILE = join(TEXTS, 'sets.json');
export const CALIBRATION_FILE = join(TEXTS, 'calibration.txt');

/** Undefined before they are made. */
export const readSets = (): Sets | undefined =>
  existsSync(SETS_FILE) ? (JSON.parse(readFileSync(SETS_FILE, 'utf8')) as Sets) : undefined;
