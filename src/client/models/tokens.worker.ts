/** The browser's thread for tokenisers: token-thread.ts ends it when a text takes too long. */
import { expose, type Port } from '../../lib/rpc.ts';
import { tokenApi } from './token-thread.ts';

expose(tokenApi(), self as unknown as Port);
