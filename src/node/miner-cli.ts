/** The command line of a contributor: `npm run miner -- --address … [flags]`. */
import { runCommand, terminalLog } from './command.ts';
import { startContributor } from './contributor/contributor.ts';
import { MINER_HELP, parseMinerOptions } from './contributor/miner-options.ts';

const log = terminalLog();

await runCommand('pila miner', log, async (fail) => {
  const options = parseMinerOptions(process.argv.slice(2));
  if (options) return await startContributor(options, log, fail);
  console.log(MINER_HELP);
  return undefined;
});
