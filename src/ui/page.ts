/** Loads the part that starts the workers: apart from the first route's code. */
import { AppError } from '../lib/errors.ts';
import { loadConfig, type Engine, type PageConfig } from './engine.ts';

type PageModule = { createPageClient(config: PageConfig): Engine | Promise<Engine> };
// A glob, so that the app builds without it; the module is `client/page.ts`.
const modules = import.meta.glob<PageModule>('../client/page.ts');

export async function openPage(): Promise<Engine> {
  const load = modules['../client/page.ts'];
  if (!load) throw new AppError('INTERNAL', 'built without client/page.ts');
  return (await load()).createPageClient(await loadConfig());
}
