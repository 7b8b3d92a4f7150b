/** A seed that answers falsely for pay, with good receipts, and is a real one in everything else. */
import { registerHooks } from 'node:module';

let replaced = false;
registerHooks({
  resolve(specifier, context, next) {
    const isIts = context.parentURL?.endsWith('/src/node/seed/seed-provider.ts');
    if (!isIts || !specifier.endsWith('/client/mining/answerer.ts'))
      return next(specifier, context);
    replaced = true;
    return next(new URL('./lying-answerer.ts', import.meta.url).href, context);
  },
});
await import('../../src/node/cli.ts');
if (!replaced) throw new Error('this seed tells the truth');
