/**
 * A seed of the next program: from a height on it asks that a header's nonce be even. It is a real node in everything
 * else. Usage: node newer-seed.ts --from HEIGHT [flags of the seed]
 */
import { networkOf } from '../../src/client/models/networks.ts';
import type { HeaderInput } from '../../src/core/header/header.ts';
import { PROTOCOL_VERSION } from '../../src/core/params.ts';
import { rule } from '../../src/core/rules.ts';
import { AppError } from '../../src/lib/errors.ts';
import { createLog } from '../../src/lib/log.ts';
import { runCommand } from '../../src/node/command.ts';
import { parseOptions } from '../../src/node/seed/options.ts';
import { startSeed } from '../../src/node/seed/start-seed.ts';

const flags = process.argv.slice(2);
const at = flags.indexOf('--from');
const [, from] = flags.splice(at, 2);

const evenNonce = rule('header.version', '4', ({ header: { height, nonce } }: HeaderInput) =>
  nonce % 2n === 0n ? undefined : { height, nonce },
);
const log = createLog((line) => console.log(line));

await runCommand('newer seed', log, async (fail) => {
  const options = parseOptions(flags);
  if (!options) throw new Error('a seed has flags to start with');
  const network = networkOf(options.network);
  const next = { version: PROTOCOL_VERSION + 1, from: Number(from), rules: [evenNonce] };
  const params = { ...network.params, versions: [...network.params.versions, next] };
  const died = (why: string) => fail(new AppError('PART_DIED', why));
  const seed = await startSeed(options, log, died, { ...network, params });
  log.info('ready', { app: seed.appUrl, rpc: seed.rpcUrl });
  return { stop: () => seed.stop() };
});
