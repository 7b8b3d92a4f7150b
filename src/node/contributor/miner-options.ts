/** The command line of a contributor: flags to options, or one sentence that says what is wrong. */
import { parseArgs } from 'node:util';
import { modelNamed, networkOf } from '../../client/models/networks.ts';
import { createParams, NETWORK_NAMES, type NetworkName } from '../../core/params.ts';
import { AppError } from '../../lib/errors.ts';
import { THREADS_MAX, type BackendChoice } from '../../miner/engine/miner-api.ts';
import { addressFrom } from '../../wallet/address.ts';
import { parseAmount } from '../../wallet/amount.ts';
import { EXITS_HELP } from '../exits.ts';
import { isSeedAddress } from '../seed-address.ts';
import { parseHours, type Hours } from './hours.ts';
import { servingOf } from '../served/served-folders.ts';

export interface MinerOptions {
  readonly address: string;
  /** Networks that the address may belong to, the likeliest first; only one where --network names it. */
  readonly networks: readonly NetworkName[];
  /** URL of a seed's page, or a multiaddr. */
  readonly seed: string;
  readonly backend: BackendChoice;
  readonly model: string | undefined;
  /** Cores that units on the CPU may take. */
  readonly threads: number;
  /** Per cent of the time that work may take. */
  readonly intensity: number;
  /** Of the day, in which it works; undefined: all. */
  readonly hours: Hours | undefined;
  /** Folder of the databases; when absent they are in memory. */
  readonly data: string | undefined;
  /** nV for a sequence that is answered for pay; undefined: what mining would earn meanwhile. */
  readonly answerPrice: bigint | undefined;
  /** Names or folders of served models that are answered with for pay. */
  readonly serve: readonly string[];
  /** nV for a thousand tokens of them; undefined: likewise. */
  readonly tokenPrice: bigint | undefined;
}

const LOCAL_SEED = 'http://localhost:8790/';

export const MINER_HELP = `pila miner: units without a page, paid for the blocks they win.

  npm run miner -- --address ADDRESS [flags]

  --address ADDRESS  who is paid
  --seed SEED        a seed's multiaddr, or its page's URL (default ${LOCAL_SEED})
  --network NAME     main, test, local or e2e (default: what the seed's page says, or the address)
  --backend NAME     webgpu, cpu, or auto (default: WebGPU where there is an adapter)
  --threads N        cores that units on the CPU may take, 1 to 64 (default 1)
  --intensity N      per cent of the time that work may take, 1 to 100 (default 100)
  --hours FROM-TO    hours of the day in which it works, by this computer's clock, such as 22-6: it starts
                     and stays paused outside of them (default: all)
  --model NAME       what to run (default: the network's first)
  --data DIR         where the chain is kept for the next start (default: in memory), and the keys with
                     which questions are answered for pay while mining
  --answer-price VLT what a sequence of an answer costs
                     (default: what mining would earn in the time, and a twentieth more)
  --serve MODEL      answer for pay with a served model too: a name that npm run model:fetch brought, or
                     the folder of a package; may be given several times
  --token-price VLT  what a thousand tokens of such answers cost (default: as of a sequence)
  --help             this text

WebGPU needs Dawn, the package \`webgpu\`, which a plain npm ci brings.
${EXITS_HELP}
`;

const FLAGS = {
  address: { type: 'string' },
  seed: { type: 'string' },
  network: { type: 'string' },
  backend: { type: 'string' },
  model: { type: 'string' },
  threads: { type: 'string' },
  intensity: { type: 'string' },
  hours: { type: 'string' },
  data: { type: 'string' },
  'answer-price': { type: 'string' },
  serve: { type: 'string', multiple: true },
  'token-price': { type: 'string' },
  help: { type: 'boolean' },
} as const;

export const wrongFlag = (message: string): AppError => new AppError('WRONG_FLAG', message);

export const isPage = (seed: string): boolean => /^https?:\/\//.test(seed) && URL.canParse(seed);

function seedOf(text: string): string {
  if (!isPage(text) && !isSeedAddress(text))
    throw wrongFlag(`--seed takes /ip4/…/tcp/…/ws/p2p/… or a page's URL, not '${text}'`);
  return text;
}

function networksOf(address: string, wanted: string | undefined): NetworkName[] {
  const prefixed = NETWORK_NAMES.filter((n) => addressFrom(address, createParams(n, []).prefix));
  if (!prefixed.length) throw wrongFlag(`--address takes an address, not '${address}'`);
  if (wanted === undefined) return prefixed;
  const named = NETWORK_NAMES.find((n) => n === wanted);
  if (!named) throw wrongFlag(`--network takes ${NETWORK_NAMES.join(', ')}, not '${wanted}'`);
  if (!prefixed.includes(named)) throw wrongFlag(`${address} is no address of ${named}`);
  return [named];
}

function backendOf(text: string): BackendChoice {
  const choice = (['auto', 'webgpu', 'cpu'] as const).find((b) => b === text);
  if (!choice) throw wrongFlag(`--backend takes webgpu, cpu or auto, not '${text}'`);
  return choice;
}

function threadsOf(text: string): number {
  const count = Number(text);
  if (/^\d{1,3}$/.test(text) && count >= 1 && count <= THREADS_MAX) return count;
  throw wrongFlag(`--threads takes 1 to ${THREADS_MAX}, not '${text}'`);
}

function intensityOf(text: string): number {
  const percent = Number(text);
  if (/^\d{1,3}$/.test(text) && percent >= 1 && percent <= 100) return percent;
  throw wrongFlag(`--intensity takes 1 to 100, not '${text}'`);
}

function hoursOf(text: string | undefined): Hours | undefined {
  const hours = text === undefined ? undefined : parseHours(text);
  if (text !== undefined && !hours)
    throw wrongFlag(`--hours takes two hours of the day such as 22-6, not '${text}'`);
  return hours;
}

function priceOf(flag: string, text: string | undefined): bigint | undefined {
  try {
    return text === undefined ? undefined : parseAmount(text);
  } catch {
    throw wrongFlag(`--${flag} takes an amount of VLT such as 0.0001, not '${text}'`);
  }
}

/** The model to run on a network. @throws AppError WRONG_FLAG */
export function modelFor(name: NetworkName, wanted: string | undefined): string {
  const network = networkOf(name);
  const model = wanted ?? network.names[0];
  if (model === undefined) throw wrongFlag(`${name} admits no model yet`);
  if (!modelNamed(network, model))
    throw wrongFlag(`--model: ${name} admits ${network.names.join(', ')}`);
  return model;
}

/** Options, or undefined when help was asked for. @throws AppError WRONG_FLAG */
export function parseMinerOptions(args: readonly string[]): MinerOptions | undefined {
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: FLAGS, allowPositionals: false }));
  } catch (e) {
    throw wrongFlag((e as Error).message.split(/\.\s/)[0]!);
  }
  if (values.help) return undefined;
  const { address, model, data } = values;
  for (const flag of ['answer-price', 'serve'] as const)
    if (values[flag] !== undefined && data === undefined)
      throw wrongFlag(`--${flag} needs --data, where the keys of answers are`);
  if (values['token-price'] !== undefined && !values.serve)
    throw wrongFlag('--token-price needs --serve');
  if (address === undefined) throw wrongFlag('--address is missing: who is paid?');
  if (data === '') throw wrongFlag("--data takes a folder, not ''");
  return {
    address,
    networks: networksOf(address, values.network),
    seed: seedOf(values.seed ?? LOCAL_SEED),
    backend: backendOf(values.backend ?? 'auto'),
    model,
    threads: threadsOf(values.threads ?? '1'),
    intensity: intensityOf(values.intensity ?? '100'),
    hours: hoursOf(values.hours),
    data,
    answerPrice: priceOf('answer-price', values['answer-price']),
    serve: servingOf(values.serve),
    tokenPrice: priceOf('token-price', values['token-price']),
  };
}
