/** The command line of the seed: `npm start -- [flags]`. */
import { AppError } from '../lib/errors.ts';
import { runCommand, terminalLog } from './command.ts';
import { HELP, parseOptions } from './seed/options.ts';
import { startSeed } from './seed/start-seed.ts';

const log = terminalLog();

await runCommand('pila', log, async (fail) => {
  const options = parseOptions(process.argv.slice(2));
  if (!options) {
    console.log(HELP);
    return undefined;
  }
  const seed = await startSeed(options, log, (why) => fail(new AppError('PART_DIED', why)));
  log.info('ready', { app: seed.appUrl, rpc: seed.rpcUrl, peer: seed.peerId });
  // For a person who starts it by hand; a service's log has the line above.
  if (process.stdout.isTTY) console.log(`\n  pila is ready: ${seed.appUrl}\n`);
  return {
    stop() {
      log.info('stopping');
      return seed.stop();
    },
  };
});
