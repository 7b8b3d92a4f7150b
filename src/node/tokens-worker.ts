/** Node's thread for tokenisers: token-thread.ts ends it when a text takes too long. */
import { parentPort } from 'node:worker_threads';
import { tokenApi } from '../client/models/token-thread.ts';
import { expose, type Port } from '../lib/rpc.ts';

expose(tokenApi(), parentPort as unknown as Port);
