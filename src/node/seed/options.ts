/** The command line of the seed node: flags to options, or one sentence that says what is wrong. */
import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { ACCOUNT_MIN, NETWORK_NAMES, type NetworkName } from '../../core/params.ts';
import { AppError } from '../../lib/errors.ts';
import { WINDOW } from '../../chain/full/records.ts';
import { networkOf } from '../../client/models/networks.ts';
import { mirrorAddress, MIRRORS_MAX } from '../../client/models/part-sources.ts';
import { SERVED_MAX } from '../../client/models/served.ts';
import { PART_BYTES } from '../../miner/package/parts.ts';
import { formatAmount, parseAmount } from '../../wallet/amount.ts';
import { CHANNELS_LIMIT_FIRST } from '../../wallet/channels.ts';
import { EXITS_HELP } from '../exits.ts';
import { isRange, trustedByDefault } from '../http/caller.ts';
import { LOOPBACK } from '../http/http.ts';
import { isSeedAddress } from '../seed-address.ts';
import { servingOf } from '../served/served-folders.ts';

const GIFT_BLOCKS = ['yes', 'no', 'all'] as const;
export type GiftBlocks = (typeof GIFT_BLOCKS)[number];

/** Model to mine with on a network that admits no model yet; the network refuses it. */
const UNADMITTED = 'lingua';
/** Addresses announced besides the page's own. */
const ANNOUNCED_MAX = 8;
const TRUSTED_MAX = 32;
const ORIGINS_MAX = 32;
/** Bytes an hour: some thirty language models, 10 Mbit/s. */
const SERVE_BYTES = 2 ** 32;
/** One caller gets half of it: a part at least. */
const SERVE_BYTES_MIN = 2 * PART_BYTES;

export interface Options {
  readonly network: NetworkName;
  readonly data: string;
  readonly host: string;
  /** Port of the page and of WebSocket peers; 0 picks a free port. */
  readonly port: number;
  readonly rpcHost: string;
  readonly rpcPort: number;
  /** UDP port for WebRTC-direct. */
  readonly rtcPort: number;
  readonly mine: boolean;
  /** Whether a block is mined when a gift of the faucet waits; `all`: when any transaction does. */
  readonly giftBlocks: GiftBlocks;
  readonly payout: string | undefined;
  readonly model: string;
  readonly bootstrap: readonly string[];
  /** Base addresses of models' parts, for this node and its pages. */
  readonly mirrors: readonly string[];
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Multiaddrs under which others reach this node, without its peer id. */
  readonly announce: readonly string[];
  /** Pages and programs of other machines reach it; otherwise it serves this machine's own page alone. */
  readonly isPublic: boolean;
  /** Ranges of proxies whose X-Forwarded-For is believed. */
  readonly trustProxy: readonly string[];
  /** Newest blocks that stay whole on disk; undefined: all. */
  readonly prune: number | undefined;
  /** Takes the state of the bootstrap's peers where they give the blocks no more. */
  readonly trustState: boolean;
  /** File with the keys that let callers spend over HTTP. */
  readonly apiKeyFile: string | undefined;
  /** Origins whose pages may ask over HTTP with a key. */
  readonly apiOrigins: readonly string[];
  /** nV for a sequence that is answered for pay while mining; undefined: what mining would earn meanwhile. */
  readonly answerPrice: bigint | undefined;
  /** Names or folders of served models that are answered with for pay. */
  readonly serve: readonly string[];
  /** nV for a thousand tokens; undefined: what mining would earn meanwhile. */
  readonly tokenPrice: bigint | undefined;
  /** nV that answers over HTTP may cost in 24 hours; 0: none. */
  readonly spendMax: bigint;
  /** nV of a payment channel that this node opens to ask a provider. */
  readonly prepay: bigint;
  /** Folders of served models' packages; undefined: those of models/served.json that were fetched here. */
  readonly packages: readonly string[] | undefined;
  /** Bytes of served models that others get in an hour; 0: none. */
  readonly serveBytes: number;
}

export const HELP = `pila: a seed node. It serves the app, relays, validates everything.

  pila [flags]           where it is installed
  npm start -- [flags]   in a checkout

  --network NAME     local (default), e2e, test or main
  --data DIR         where the chain and the node's key lie (default .data/NETWORK)
  --host HOST        address of the page and of WebSocket peers (default 127.0.0.1)
  --port N           their port (default 8790)
  --rtc-port N       UDP port of WebRTC-direct peers (default 8791)
  --rpc-host HOST    address of JSON-RPC and /metrics (default 127.0.0.1)
  --rpc-port N       their port (default 8792)
  --mine             mine on this computer's CPU, and answer for pay
  --gift-blocks WHEN yes, no or all: mine when trial coins of the faucet, or all transactions, wait for a block, a
                     tenth of the time at most (default: yes on local, no elsewhere)
  --payout ADDRESS   who is paid for it (default: the node's own key)
  --model NAME       what to run while mining (default lingua; tiny on e2e)
  --answer-price VLT what a sequence of an answer for pay costs while mining
                     (default: what mining would earn in the time, and a twentieth more)
  --serve MODEL      answer for pay with a served model too, mining or not: a name that npm run model:fetch
                     brought, or the folder of a package; may be given several times
  --token-price VLT  what a thousand tokens of such answers cost (default: as of a sequence)
  --bootstrap ADDR   multiaddr of another seed; may be given several times
  --announce ADDR    multiaddr under which others reach this node, such as /dns4/HOST/tcp/443/tls/ws
                     or /ip4/PUBLIC/udp/8791/webrtc-direct; may be given several times
  --public           pages of other sites may find and dial this node although it listens on loopback
                     (so they may with another --host, or with --announce)
  --trust-proxy CIDR range of a proxy in front, whose X-Forwarded-For is believed and whose own address
                     stands for many callers; may be given several times (default: loopback when
                     --host is loopback, else none)
  --mirror URL       https address under which a server keeps models' parts, for this node and its
                     pages; may be given several times
  --tls CERT,KEY     PEM files: serve https and wss
  --prune N          keep bodies and proofs of the newest N blocks only, at least 2049;
                     clients that are new then need another seed
  --trust-state      where no --bootstrap peer gives the blocks that this node lacks any more: take its
                     state, unexecuted; nothing where they give them
  --api-key-file F   file with keys (16 characters or more, one a line) for POST /v1/… on the page's port, after
                     each, if anything, the VLT that may be spent with it in 24 hours;
                     the environment's PILA_API_KEY does the same
  --api-origin URL   origin such as https://app.example whose pages may call /v1/… with such a key;
                     may be given several times
  --spend-max VLT    what POST /v1/… may spend in 24 hours (default 100; 0: nothing)
  --prepay VLT       the most that it sets aside at once for answers of one provider (default 1)
  --package DIR      folder with the package of a served model, which pages get from here; may be given several
                     times (default: those that npm run model:fetch brought and models/served.json names)
  --serve-bytes N    bytes of served models that others get in an hour: 0 for none, or at least 16777216
                     (default 4294967296)
  --help             this text

${EXITS_HELP}
`;

const FLAGS = {
  network: { type: 'string' },
  data: { type: 'string' },
  host: { type: 'string' },
  port: { type: 'string' },
  'rtc-port': { type: 'string' },
  'rpc-host': { type: 'string' },
  'rpc-port': { type: 'string' },
  mine: { type: 'boolean' },
  'gift-blocks': { type: 'string' },
  payout: { type: 'string' },
  model: { type: 'string' },
  bootstrap: { type: 'string', multiple: true },
  announce: { type: 'string', multiple: true },
  public: { type: 'boolean' },
  'trust-proxy': { type: 'string', multiple: true },
  mirror: { type: 'string', multiple: true },
  tls: { type: 'string' },
  prune: { type: 'string' },
  'trust-state': { type: 'boolean' },
  'api-key-file': { type: 'string' },
  'api-origin': { type: 'string', multiple: true },
  'spend-max': { type: 'string' },
  prepay: { type: 'string' },
  'answer-price': { type: 'string' },
  serve: { type: 'string', multiple: true },
  'token-price': { type: 'string' },
  package: { type: 'string', multiple: true },
  'serve-bytes': { type: 'string' },
  help: { type: 'boolean' },
} as const;

const wrong = (message: string): AppError => new AppError('WRONG_FLAG', message);

function giftBlocksOf(text: string | undefined, network: NetworkName): GiftBlocks {
  if (text === undefined) return network === 'local' ? 'yes' : 'no';
  const when = GIFT_BLOCKS.find((known) => known === text);
  if (!when) throw wrong(`--gift-blocks takes yes, no or all, not '${text}'`);
  return when;
}

function portOf(flag: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw wrong(`--${flag} takes a port from 0 to 65535, not '${text}'`);
  return Number(text);
}

function hostOf(flag: string, text: string | undefined): string {
  if (text === undefined) return '127.0.0.1';
  if (!isIP(text)) throw wrong(`--${flag} takes an IP address, not '${text}'`);
  return text;
}

function bootstrapOf(texts: readonly string[]): readonly string[] {
  for (const text of texts)
    if (!isSeedAddress(text))
      throw wrong(`--bootstrap takes a multiaddr such as /ip4/…/tcp/…/ws/p2p/…, not '${text}'`);
  return texts;
}

const REACHED =
  /^\/(ip4|ip6|dns|dns4|dns6)\/[\w.:-]+\/(tcp\/\d{1,5}\/(tls\/)?ws|udp\/\d{1,5}\/webrtc-direct)$/;

function announceOf(texts: readonly string[]): readonly string[] {
  if (texts.length > ANNOUNCED_MAX) throw wrong(`--announce: at most ${ANNOUNCED_MAX}`);
  for (const text of texts)
    if (!REACHED.test(text))
      throw wrong(
        `--announce takes /dns4/…/tcp/…/tls/ws or /ip4/…/udp/…/webrtc-direct, not '${text}'`,
      );
  return texts;
}

/** Whether the flags say that others reach this node: over an address of its own, or under one that it announces. */
const isReached = (host: string, announce: readonly string[]): boolean =>
  !LOOPBACK.test(host) || announce.length > 0;

function trustProxyOf(texts: readonly string[] | undefined, host: string): readonly string[] {
  if (texts === undefined) return trustedByDefault(host);
  if (texts.length > TRUSTED_MAX) throw wrong(`--trust-proxy: at most ${TRUSTED_MAX}`);
  for (const text of texts)
    if (!isRange(text))
      throw wrong(`--trust-proxy takes a range such as 10.88.0.0/16, not '${text}'`);
  return texts;
}

function dataOf(text: string | undefined, network: NetworkName): string {
  if (text === '') throw wrong("--data takes a folder, not ''");
  return text ?? `.data/${network}`;
}

function pruneOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text) || Number(text) <= WINDOW)
    throw wrong(`--prune takes a number of blocks above ${WINDOW}, not '${text}'`);
  return Number(text);
}

function amountOf(flag: string, text: string): bigint {
  try {
    return parseAmount(text);
  } catch {
    throw wrong(`--${flag} takes an amount of VLT such as 12.5, not '${text}'`);
  }
}

function prepayOf(text: string): bigint {
  const nV = amountOf('prepay', text);
  if (nV >= ACCOUNT_MIN && nV <= CHANNELS_LIMIT_FIRST) return nV;
  const range = `${formatAmount(ACCOUNT_MIN)} to ${formatAmount(CHANNELS_LIMIT_FIRST)}`;
  throw wrong(`--prepay takes ${range} VLT, not '${text}'`);
}

const priceOf = (flag: string, text: string | undefined): bigint | undefined =>
  text === undefined ? undefined : amountOf(flag, text);

function networkNameOf(text: string): NetworkName {
  const name = NETWORK_NAMES.find((n) => n === text);
  if (!name) throw wrong(`--network takes ${NETWORK_NAMES.join(', ')}, not '${text}'`);
  return name;
}

function mirrorsOf(texts: readonly string[]): readonly string[] {
  if (texts.length > MIRRORS_MAX) throw wrong(`--mirror: at most ${MIRRORS_MAX}`);
  return texts.map((text) => {
    const address = mirrorAddress(text);
    if (address === undefined) throw wrong(`--mirror takes an https address, not '${text}'`);
    return address;
  });
}

function originsOf(texts: readonly string[]): readonly string[] {
  if (texts.length > ORIGINS_MAX) throw wrong(`--api-origin: at most ${ORIGINS_MAX}`);
  for (const text of texts)
    if (!/^https?:/.test(text) || !URL.canParse(text) || new URL(text).origin !== text)
      throw wrong(`--api-origin takes an origin such as https://app.example, not '${text}'`);
  return texts;
}

function tlsOf(text: string | undefined): Options['tls'] {
  if (text === undefined) return undefined;
  const [cert, key, more] = text.split(',');
  if (!cert || !key || more !== undefined) throw wrong(`--tls takes CERT,KEY, not '${text}'`);
  return { cert, key };
}

/** What a flag is of no use without. */
const NEEDS = {
  model: ['mine'],
  'answer-price': ['mine'],
  payout: ['mine', 'serve'],
  'token-price': ['serve'],
} as const;

function requireTogether(values: Readonly<Record<string, unknown>>): void {
  for (const [flag, others] of Object.entries(NEEDS))
    if (values[flag] !== undefined && !others.some((other) => values[other]))
      throw wrong(`--${flag} needs ${others.map((other) => `--${other}`).join(' or ')}`);
}

/** Options, or undefined when help was asked for. @throws AppError WRONG_FLAG */
export function parseOptions(args: readonly string[]): Options | undefined {
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: FLAGS, allowPositionals: false }));
  } catch (e) {
    throw wrong((e as Error).message.split(/\.\s/)[0]!);
  }
  if (values.help) return undefined;
  const network = networkNameOf(values.network ?? 'local');
  requireTogether(values);
  const host = hostOf('host', values.host);
  const announce = announceOf(values.announce ?? []);
  return {
    network,
    data: dataOf(values.data, network),
    host,
    port: portOf('port', values.port, 8790),
    rpcHost: hostOf('rpc-host', values['rpc-host']),
    rpcPort: portOf('rpc-port', values['rpc-port'], 8792),
    rtcPort: portOf('rtc-port', values['rtc-port'], 8791),
    mine: values.mine ?? false,
    giftBlocks: giftBlocksOf(values['gift-blocks'], network),
    payout: values.payout,
    model: values.model ?? networkOf(network).names[0] ?? UNADMITTED,
    ...peersOf(values),
    mirrors: mirrorsOf(values.mirror ?? []),
    tls: tlsOf(values.tls),
    announce,
    isPublic: values.public ?? isReached(host, announce),
    trustProxy: trustProxyOf(values['trust-proxy'], host),
    prune: pruneOf(values.prune),
    apiKeyFile: values['api-key-file'],
    apiOrigins: originsOf(values['api-origin'] ?? []),
    answerPrice: priceOf('answer-price', values['answer-price']),
    serve: servingOf(values.serve),
    tokenPrice: priceOf('token-price', values['token-price']),
    ...spendingOf(values),
    packages: packagesOf(values.package),
    serveBytes: serveBytesOf(values['serve-bytes']),
  };
}

function packagesOf(folders: readonly string[] | undefined): readonly string[] | undefined {
  if (folders && folders.length > SERVED_MAX) throw wrong(`--package: at most ${SERVED_MAX}`);
  if (folders?.includes('')) throw wrong("--package takes a folder, not ''");
  return folders;
}

function serveBytesOf(text: string | undefined): number {
  if (text === undefined) return SERVE_BYTES;
  const bytes = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (bytes === 0 || bytes >= SERVE_BYTES_MIN) return bytes;
  throw wrong(`--serve-bytes takes 0, or at least ${SERVE_BYTES_MIN} bytes an hour, not '${text}'`);
}

function peersOf(values: {
  readonly bootstrap?: readonly string[] | undefined;
  readonly 'trust-state'?: boolean | undefined;
}): Pick<Options, 'bootstrap' | 'trustState'> {
  const { bootstrap = [], 'trust-state': trustState = false } = values;
  if (trustState && !bootstrap.length) throw wrong('--trust-state needs --bootstrap');
  return { bootstrap: bootstrapOf(bootstrap), trustState };
}

const spendingOf = (values: {
  readonly 'spend-max'?: string | undefined;
  readonly prepay?: string | undefined;
}): Pick<Options, 'spendMax' | 'prepay'> => ({
  spendMax: amountOf('spend-max', values['spend-max'] ?? '100'),
  prepay: prepayOf(values.prepay ?? '1'),
});
