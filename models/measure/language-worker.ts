/** A thread of `startLane`. */
import { parentPort } from 'node:worker_threads';
import { expose, type Port } from '../../src/lib/rpc.ts';
import { openFiles, type LaneApi } from './language-files.ts';
import type { LanguagePair } from './language.ts';

let pair: LanguagePair;
const api: LaneApi = {
  async open(files) {
    pair = await openFiles(files);
  },
  compare: (ids) => pair.compare(ids),
  answers: (side, inputs, said) => pair.answers(side, inputs, said),
};

expose(api, parentPort as unknown as Port);
