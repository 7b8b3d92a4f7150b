/** The package's entry for pages, and for workers of pages: a peer in workers of its own, one for all tabs. */
import { createPageClient } from '../client/browser-tabs/page.ts';
import { AppError } from '../lib/errors.ts';
import { requireOptions, requireThreads } from './given.ts';
import type { Pila, PilaOptions } from './pila-api.ts';
import { configOf, pilaOf } from './pila.ts';

export * from './names.ts';

export interface PagePilaOptions extends PilaOptions {
  /** Cores that units on the processor may take; default: all but one, at most four, fewer with little memory. */
  readonly threads?: number;
}

/**
 * Joins the peer of this origin's tabs, or starts it with the first call.
 * @throws ARGUMENT_REFUSED, SEED_SILENT, CONFIG_MALFORMED, BROWSER_OLD without Web Locks or BroadcastChannel
 */
export async function createPila(options: PagePilaOptions): Promise<Pila> {
  requireOptions(options);
  const { network, threads } = options;
  requireThreads(threads);
  if ('key' in options)
    throw new AppError('ARGUMENT_REFUSED', 'a page holds no key: pay from a program in Node');
  const config = {
    ...(await configOf(options)),
    ...(typeof network === 'string' && { server: network }),
    ...(threads !== undefined && { threads }),
  };
  const { client: api, on, leave } = await createPageClient(config);
  return pilaOf({ config, peer: { api, on, stop: async () => leave() } });
}
