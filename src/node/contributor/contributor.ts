/** A miner without a page: the client and its engine in this process, reported in log lines. */
import type {
  ClientApi,
  ClientConfig,
  ClientEvent,
  Holding,
  MinerStatus,
  PaidWork,
} from '../../client/api.ts';
import { createClient } from '../../client/client.ts';
import { tryDecode } from '../../core/codec.ts';
import { Header } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { createParams } from '../../core/params.ts';
import { fromHex } from '../../lib/bytes.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log, LogFields } from '../../lib/log.ts';
import { createNodePlatform } from '../client-platform.ts';
import { createInexactness } from '../inexactness.ts';
import { MinedBlocks, type Mined } from '../mined-blocks.ts';
import { openServingKeys, type ServingKeys } from '../serving-file.ts';
import { findServing } from '../served/served-folders.ts';
import { createAlone } from './alone.ts';
import { opensAt } from './hours.ts';
import { modelFor, type MinerOptions } from './miner-options.ts';
import { configOf } from './seed-config.ts';
import { addressFrom } from '../../wallet/address.ts';
import { formatAmount } from '../../wallet/amount.ts';

/** ms between two log lines of progress. */
const REPORT_MS = 10_000;
/** Most ms that a found block gets to reach a peer before this process ends. */
const SHARE_MS_MAX = 5000;

export interface Contributor {
  stop(): Promise<void>;
}

/**
 * @param fail called when mining ends by itself
 * @throws AppError SEED_SILENT, CONFIG_MALFORMED, WRONG_FLAG, NO_WEBGPU, STORE_*, and the miner's
 */
export async function startContributor(
  options: MinerOptions,
  log: Log,
  fail: (e: AppError) => void,
): Promise<Contributor> {
  const served = await findServing(options.serve);
  const config = { ...(await configOf(options)), served: served.map(({ said }) => said) };
  modelFor(config.network, options.model);
  const { model, backend } = options;
  const payee = addressFrom(options.address, createParams(config.network, []).prefix)!;
  const signers = await keysOf(options, config, payee);
  const platform = createNodePlatform({
    signers,
    log,
    network: config.network,
    threads: options.threads,
    served,
    ...(options.data !== undefined && { data: options.data }),
    onFailure: (why) => fail(new AppError('PART_DIED', `the miner thread died: ${why}`)),
  });
  const client = await createClient(platform, config);
  let running = false;
  // Failures before this line are thrown, each with a message of its own.
  const reporting = createReporting(log, client.api, (code) => {
    if (running) fail(new AppError(code, `mining ended: ${code}`));
  });
  client.on(reporting.onEvent);
  client.onFound((block) => reporting.mined.add(block));
  const { hours } = options;
  /** Outside of its hours it waits for the next of them. */
  const mine = (): Promise<void> => {
    const nowMs = Date.now();
    const fromMs = hours ? opensAt(hours, nowMs) : nowMs;
    if (fromMs > nowMs)
      log.info('mining.paused', { why: '--hours', until: new Date(fromMs).toISOString() });
    return client.api.startMining({ backend, fromMs, ...(model !== undefined && { model }) });
  };
  const begin = (): Promise<void> => mine().catch((e: unknown) => fail(AppError.from(e)));
  let resting = false;
  const alone = createAlone({
    blockTimeMs: createParams(config.network, []).blockTimeMs,
    async pause() {
      if (!running) return;
      resting = true;
      log.warn('mining.paused', { why: 'no peer: nobody can be told of a block' });
      await client.api.pauseMining();
    },
    async resume() {
      if (!running) return;
      resting = false;
      log.info('mining.resumed');
      await begin();
    },
    onProblem: (e) => log.warn('mining.pause-failed', { why: AppError.from(e).message }),
  });
  client.on((event) => event.type === 'chain' && alone.note(event.status.sync));
  // A line of the log is not worth an end, when a database cannot be read.
  const report = (): Promise<void> => reporting.progress().catch(() => undefined);
  const timer = setInterval(() => {
    void report();
    const isOver = hours && opensAt(hours, Date.now()) > Date.now();
    const isPaused = resting || reporting.status()?.pausedUntilMs !== undefined;
    if (running && isOver && !isPaused) void begin();
  }, REPORT_MS);
  const stop = async (): Promise<void> => {
    running = false;
    alone.stop();
    clearInterval(timer);
    await client.api.pauseMining();
    // What was found last is known to be kept once a peer has it.
    await client.shareFound(SHARE_MS_MAX);
    await report();
    await client.stop();
    await platform.close();
  };
  try {
    log.info('start', { network: config.network, address: options.address });
    await client.api.payTo(payee);
    await client.api.throttleMining(options.intensity / 100);
    await mine();
    const { answerPrice: price, tokenPrice } = options;
    if (signers) await client.api.provide({ payee, price, tokenPrice });
    running = true;
    return { stop };
  } catch (e) {
    await stop();
    throw e;
  }
}

/**
 * Keys with which questions are answered for pay: only where they can be kept, and for a genesis that the seed's page
 * names. @throws AppError KEYS_CORRUPT, DATA_REFUSED
 */
async function keysOf(
  { data: folder }: MinerOptions,
  { network, genesis }: ClientConfig,
  payee: Uint8Array,
): Promise<ServingKeys | undefined> {
  const bytes = genesis === undefined ? undefined : fromHex(genesis);
  const header = bytes && tryDecode(Header, bytes);
  if (folder === undefined || !header) return undefined;
  const genesisId = blockId(header);
  return openServingKeys({ folder, network, genesisId, payees: [payee], now: Date.now });
}

/** Log lines about the client's reports: every change at once, the progress of work every REPORT_MS. */
function createReporting(log: Log, api: ClientApi, onFailed: (code: ErrorCode) => void) {
  const mined = new MinedBlocks();
  const inexactness = createInexactness(log);
  let miner: MinerStatus | undefined;
  let reported = { units: 0, atMs: performance.now() };
  let last: LogFields = {};
  /** Writes a line only when its fields have changed. */
  const changed = (event: string, fields: LogFields): void => {
    const fresh = Object.entries(fields).filter(([key, value]) => last[key] !== value);
    if (!fresh.length) return;
    last = { ...last, ...fields };
    log.info(event, fields);
  };
  const progress = async (): Promise<void> => {
    if (!miner) return;
    const now = performance.now();
    const passes = (miner.units - reported.units) / Math.max(0.001, (now - reported.atMs) / 1000);
    reported = { units: miner.units, atMs: now };
    const { chain } = await api.status();
    const blocks = await mined.count(chain.height, (height) => api.header(height));
    log.info('mining', progressOf(miner, passes, blocks));
    const { isOn, ...work } = await api.provided();
    if (isOn) changed('answers', answersOf(work));
  };
  const onEvent = (event: ClientEvent): void => {
    if (event.type === 'problem') log.warn('problem', { code: event.code, message: event.message });
    if (event.type === 'chain') changed('chain', { sync: event.status.sync });
    if (event.type === 'holding') changed('models', modelsOf(event.holding));
    if (event.type !== 'miner') return;
    const { state, backend, device, model, blocksFound, problem } = event.status;
    if (blocksFound > (miner?.blocksFound ?? 0)) log.info('block', { found: blocksFound });
    miner = event.status;
    inexactness.note(event.status);
    changed('miner', { state, model: model || undefined, backend, device: device || undefined });
    if (state === 'failed') onFailed(problem ?? 'INTERNAL');
  };
  return { onEvent, progress, mined, status: () => miner };
}

/** Mined models that are not here, and what that means for the work. */
const modelsOf = ({ missing, problem, uncheckedMs }: Holding): LogFields => ({
  missing: missing.map(({ name }) => name).join(', ') || 'none',
  why: problem,
  unchecked: uncheckedMs === undefined ? 'no' : uncheckedMs > 0 ? 'for at most 10 min' : 'waits',
});

/** What answering earned beside mining. */
const answersOf = ({ channels, answers, earned }: Omit<PaidWork, 'isOn'>): LogFields => ({
  answered: answers,
  earned: vlt(earned),
  channels,
});

const vlt = (nV: bigint): string => `${formatAmount(nV)} VLT`;

/** `rejected="stale 2, recheck 1"`: units and blocks thrown away, by reason. */
export function progressOf(
  miner: MinerStatus,
  passesPerSecond: number,
  { found, kept, earned }: Mined,
): LogFields {
  const rejected = Object.entries(miner.rejected).filter(([, n]) => n > 0);
  return {
    'passes/s': passesPerSecond.toPrecision(3),
    'MAC/s': miner.macsPerSecond.toExponential(2),
    completed: miner.units,
    found,
    kept,
    earned: vlt(earned),
    rejected: rejected.map(([why, n]) => `${why} ${n}`).join(', ') || 0,
  };
}
