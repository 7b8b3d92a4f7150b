/** The configuration of a client from the page of a seed, which anybody may run. */
import { concat } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { textFromBytes } from '../lib/text-file.ts';
import type { ClientConfig } from './api.ts';

/** ms in which a seed's page must answer. */
const ANSWER_MS_MAX = 10_000;
/** Bytes of its answer: a genesis, addresses and a few models take some 6 KB. */
const ANSWER_BYTES_MAX = 64 * 1024;

/**
 * What `config.json` of the seed's page says. The client itself checks network, addresses, genesis and models.
 * @param hint what helps where nobody answers
 * @throws AppError SEED_SILENT, CONFIG_MALFORMED
 */
export async function configOfSeed(seed: string, hint = ''): Promise<ClientConfig> {
  if (!URL.canParse(seed))
    throw new AppError('CONFIG_MALFORMED', `${seed} is no address of a seed`);
  const address = new URL('config.json', seed);
  const bytes = await ask(address).catch((cause: unknown) => {
    throw new AppError('SEED_SILENT', `no seed answers at ${seed}${hint}`, { cause });
  });
  const config = parse(bytes);
  if (!config) throw new AppError('CONFIG_MALFORMED', `what ${address.href} says is of no seed`);
  return config;
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
  return concat(...parts);
}

const areTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

function parse(bytes: Uint8Array): ClientConfig | undefined {
  let said: unknown;
  try {
    said = JSON.parse(textFromBytes(bytes));
  } catch {
    return undefined;
  }
  const config = Object(said) as Record<keyof ClientConfig, unknown>;
  const { network, bootstrap, genesis, mirrors, served } = config;
  const isWhole =
    typeof network === 'string' &&
    areTexts(bootstrap) &&
    (genesis === undefined || typeof genesis === 'string') &&
    (mirrors === undefined || areTexts(mirrors));
  return isWhole ? ({ network, bootstrap, genesis, mirrors, served } as ClientConfig) : undefined;
}
