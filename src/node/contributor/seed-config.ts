/** What a contributor learns from the page of the seed that it was given, which anybody may run. */
import type { ClientConfig } from '../../client/api.ts';
import { AppError } from '../../lib/errors.ts';
import { textFromBytes } from '../../lib/text-file.ts';
import { isPage, wrongFlag, type MinerOptions } from './miner-options.ts';

/** ms in which a seed's page must answer. */
const ANSWER_MS_MAX = 10_000;
/** Bytes of its answer: a genesis and addresses take some 3 KB. */
const ANSWER_BYTES_MAX = 64 * 1024;

/**
 * The configuration from the seed's page. With a multiaddr instead, the genesis of the first peer is believed.
 * @throws AppError SEED_SILENT, CONFIG_MALFORMED, WRONG_FLAG (it is of another network)
 */
export async function configOf({ seed, networks }: MinerOptions): Promise<ClientConfig> {
  if (!isPage(seed)) return { network: networks[0]!, bootstrap: [seed], genesis: undefined };
  const address = new URL('config.json', seed);
  const bytes = await ask(address).catch((cause: unknown) => {
    const hint = 'npm start runs one here, --seed names another';
    throw new AppError('SEED_SILENT', `no seed answers at ${seed}: ${hint}`, { cause });
  });
  const config = parse(bytes);
  if (!config) throw new AppError('CONFIG_MALFORMED', `what ${address.href} says is of no seed`);
  const { network, bootstrap, genesis } = config;
  if (!networks.includes(network))
    throw wrongFlag(`the seed is of '${network}', not of ${networks.join(' or ')}`);
  return { network, bootstrap, genesis };
}

/** The answer's bytes; none of one that is too long. */
async function ask(address: URL): Promise<Uint8Array> {
  const { body } = await fetch(address, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    parts.push(part);
    size += part.length;
    if (size > ANSWER_BYTES_MAX) return new Uint8Array();
  }
  return Buffer.concat(parts);
}

/** The client checks networks, addresses and the genesis itself. */
function parse(bytes: Uint8Array): ClientConfig | undefined {
  let config: unknown;
  try {
    config = JSON.parse(textFromBytes(bytes));
  } catch {
    return undefined;
  }
  const { network, bootstrap, genesis } = Object(config) as Record<string, unknown>;
  const isWhole =
    typeof network === 'string' &&
    Array.isArray(bootstrap) &&
    bootstrap.every((each) => typeof each === 'string') &&
    (genesis === undefined || typeof genesis === 'string');
  return isWhole ? (config as ClientConfig) : undefined;
}
