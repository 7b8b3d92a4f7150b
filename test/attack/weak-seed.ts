/**
 * A seed that lacks some rules and is a real node in everything else. Usage: node weak-seed.ts [flags of the
 * seed] [--without CODE]… [--charge CODE]…
 */
import { networkOf } from '../../src/client/models/networks.ts';
import { AppError } from '../../src/lib/errors.ts';
import { createLog } from '../../src/lib/log.ts';
import { runCommand } from '../../src/node/command.ts';
import { parseOptions } from '../../src/node/seed/options.ts';
import { startSeed } from '../../src/node/seed/start-seed.ts';
import { chargeForViews, rulesOf, without } from './without.ts';

const flags: string[] = [];
const codes: string[] = [];
const charged: string[] = [];
const given = process.argv.slice(2);
while (given.length) {
  const flag = given.shift()!;
  if (flag === '--without') codes.push(given.shift() ?? '');
  else if (flag === '--charge') charged.push(given.shift() ?? '');
  else flags.push(flag);
}

const log = createLog((line) => console.log(line));

await runCommand('weak seed', log, async (fail) => {
  const options = parseOptions(flags);
  if (!options) throw new Error('a seed has flags to start with');
  const network = networkOf(options.network);
  chargeForViews(charged);
  const params = without(network.params, rulesOf(codes, options.network));
  const died = (why: string) => fail(new AppError('PART_DIED', why));
  const seed = await startSeed(options, log, died, { ...network, params });
  log.info('ready', { app: seed.appUrl, rpc: seed.rpcUrl });
  return { stop: () => seed.stop() };
});
