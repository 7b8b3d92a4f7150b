/**
 * `--trust-state`: where nobody gives the blocks of the chain any more, a node can't execute them, and stays where it
 * is. On its operator's word it takes the state of its peers instead: all headers by their rules, the newest proofs, the
 * state after a block near the head by its root. What it does not know is whether somebody was given coins by a false
 * block below: as a light client, it has the work that was done on it for that. Above, it executes everything.
 */
import { beginAt } from '../../chain/full/begin-at.ts';
import { recordKey, UNDO_KEPT } from '../../chain/full/records.ts';
import { locatorOf } from '../../chain/shared/locator.ts';
import { tipOf } from '../../chain/shared/branch-tip.ts';
import { Patience } from '../../chain/shared/patience.ts';
import { MainEntry } from '../../chain/store/records.ts';
import type { Store } from '../../chain/store/store.ts';
import type { ChainNetwork } from '../../client/models/networks.ts';
import { chainParams } from '../../core/chain-params.ts';
import { decode, encode, tryDecode } from '../../core/codec.ts';
import { isFault } from '../../core/faults.ts';
import { Header } from '../../core/formats.ts';
import { headTip, MEAN_DEEP, replaces } from '../../core/header/fork-choice.ts';
import {
  blockId,
  extendPoint,
  genesisPoint,
  verifyHeader,
  type ChainPoint,
} from '../../core/header/header.ts';
import { knownHeaders, modelAt } from '../../core/header/tables.ts';
import { BLOCKS_MAX, HEADERS_MAX, STATE_PART_BYTES, type BlockParts } from '../../core/messages.ts';
import { PROOFS_KEPT, type Params } from '../../core/params.ts';
import { verifyLight } from '../../core/pow/proof.ts';
import { verifyBody } from '../../core/tx/body.ts';
import { firstStub, treeMerge } from '../../core/tree/tree-parts.ts';
import { treeFromProof, treeRoot, type Tree } from '../../core/tree/tree.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { askBootstrap, type AskedNetwork, type AskPeer } from './ask-bootstrap.ts';

/** Blocks below the head after which the state is taken: peers give it for 256, and go on while it comes. */
const STATE_BELOW = 64;

/** Bytes of a part of the state that is not the last: peers fill four times as many. */
const PART_BYTES_MIN = STATE_PART_BYTES / 4;

/** What came of asking one peer. */
export type Trusted =
  | { readonly is: 'taken'; readonly height: number; readonly id: Uint8Array }
  /** Its chain is this node's, or can be followed as any other. */
  | { readonly is: 'unneeded' }
  /** It gives less than is needed, or something false. */
  | { readonly is: 'refused'; readonly why: string };

export interface TrustDeps {
  /** Of a full chain, or empty; nobody else writes it. */
  readonly store: Store;
  readonly network: ChainNetwork;
  readonly ask: AskPeer;
  /** ms since 1970. */
  readonly nowMs: () => number;
}

const refused = (why: string): Trusted => ({ is: 'refused', why });

/** @throws the transport's and the store's errors */
export async function trustState(deps: TrustDeps): Promise<Trusted> {
  const { store, network, ask, nowMs } = deps;
  const status = await ask({ type: 'status' });
  if (status.type !== 'status') return refused('no status');
  const genesis = genesisPoint(network.params, status.genesis.time);
  const own = await ownChain(store, genesis);
  if (!equal(genesis.id, blockId(status.genesis)) || own === 'foreign')
    return refused('another genesis');
  if (own && status.totalWork <= own.header.totalWork) return { is: 'unneeded' };

  const params = chainParams(network.params, status.genesis.time);
  const branch = await fetchBranch({ ask, nowMs, params }, genesis, own);
  if (typeof branch === 'string') return refused(branch);
  if (!(await isNeeded({ ask, params }, branch, own))) return { is: 'unneeded' };
  const wrong = await proofsWrong({ ...deps, params }, branch.newest);
  return wrong === undefined ? await take(deps, params, branch) : refused(wrong);
}

/** Whether the branch is to be this node's chain, and can't be executed. */
async function isNeeded(
  { ask, params }: Pick<FetchDeps, 'ask' | 'params'>,
  { headers, fork, newest }: Branch,
  own: OwnChain | undefined,
): Promise<boolean> {
  const depth = (own?.height ?? 0) - fork;
  const rival = { tip: tipOf(params, newest.at(-1)!.header), depth };
  const first = headers.at(fork + 1);
  if (!first || newest.length <= STATE_BELOW) return false;
  if (own && !replaces(own.measure(params), rival)) return false;
  const isGiven = (await parts(ask, [blockId(first)])).length > 0;
  return !isGiven || depth > UNDO_KEPT;
}

/** Makes it the chain, with the state after the block STATE_BELOW below its head. */
async function take(
  { store, ask }: TrustDeps,
  params: Params,
  { headers, newest }: Branch,
): Promise<Trusted> {
  const at = newest.at(-1 - STATE_BELOW)!;
  const tree = await fetchState(ask, at.id, newest.at(-STATE_BELOW)!.header.stateRoot);
  if (typeof tree === 'string') return refused(tree);
  const { height } = at.header;
  await beginAt(store, params, { points: () => pointsOf(params, headers, height), tree });
  return { is: 'taken', height, id: at.id };
}

/** Before the chain is opened. Where no peer gives what is needed, the node starts with what it has. */
export async function takeState(
  store: Store,
  network: ChainNetwork,
  peers: AskedNetwork,
): Promise<void> {
  const { log } = peers;
  const refusing = new Set<string>();
  const nowMs = Date.now;
  const came = await askBootstrap(peers, async (ask, peer) => {
    if (refusing.has(peer)) return undefined;
    const trusted = await trustState({ store, network, ask, nowMs });
    if (trusted.is !== 'refused') return trusted;
    refusing.add(peer);
    log.warn('state.refused', { peer, why: trusted.why });
    return undefined;
  });
  if (came?.is === 'taken')
    log.warn('state.believed', { height: came.height, id: toHex(came.id).slice(0, 16) });
  else log.info('state.own', { why: came ? 'nothing is to be believed' : 'no peer gave another' });
}

interface OwnChain {
  readonly height: number;
  readonly header: Header;
  readonly measure: (params: Params) => ReturnType<typeof headTip>;
  readonly idAt: (height: number) => Promise<Uint8Array | undefined>;
  readonly headerAt: (height: number) => Promise<Header | undefined>;
}

/** The chain that lies in the store; undefined: none, or one that was left unfinished. */
async function ownChain(
  store: Store,
  genesis: ChainPoint,
): Promise<OwnChain | 'foreign' | undefined> {
  const entryAt = async (height: number): Promise<MainEntry | undefined> => {
    const data = await store.get(recordKey.main(height));
    return data && tryDecode(MainEntry, data);
  };
  const first = await entryAt(0);
  if (first && !equal(first.id, genesis.id)) return 'foreign';
  const head = await store.get(recordKey.head);
  const data = head && (await store.get(recordKey.header(head)));
  const header = data && tryDecode(Header, data);
  if (!first || !header) return undefined;
  const { height } = header;
  const deep = await entryAt(Math.max(0, height - MEAN_DEEP));
  return {
    height,
    header,
    measure: (params) => headTip(tipOf(params, header), height, deep?.header.totalWork ?? 0n),
    idAt: async (at) => (await entryAt(at))?.id,
    headerAt: async (at) => (await entryAt(at))?.header,
  };
}

interface Branch {
  /** Encoded, from genesis on. */
  readonly headers: Headers;
  /** Height of the last block that both chains have. */
  readonly fork: number;
  /** The newest PROOFS_KEPT points and the one below, or as many as there are. */
  readonly newest: readonly ChainPoint[];
}

/** Headers by height, kept encoded: half a million a year at one a minute. */
class Headers {
  readonly #encoded: Uint8Array[] = [];

  push(header: Header): void {
    this.#encoded.push(encode(Header, header));
  }

  at(height: number): Header | undefined {
    const data = this.#encoded[height];
    return data && decode(Header, data);
  }
}

interface FetchDeps {
  readonly ask: AskPeer;
  readonly nowMs: () => number;
  readonly params: Params;
}

/** All headers of the peer's chain, each by its rules. @returns what is wrong, in words */
async function fetchBranch(
  { ask, nowMs, params }: FetchDeps,
  genesis: ChainPoint,
  own: OwnChain | undefined,
): Promise<Branch | string> {
  const headers = new Headers();
  headers.push(genesis.header);
  const newest = [genesis];
  const add = (header: Header): string | undefined => {
    const parent = newest.at(-1)!;
    const wrong = verifyHeader(params, parent, header, nowMs());
    if (wrong) return `${wrong.fault} at ${header.height}`;
    headers.push(header);
    newest.push(extendPoint(params, parent, header));
    if (newest.length > PROOFS_KEPT + 1) newest.shift();
    return undefined;
  };

  let locator = own ? await locatorOf(own.height, own.idAt) : [genesis.id];
  let fork: number | undefined;
  for (;;) {
    const answer = await ask({ type: 'headers', locator, max: HEADERS_MAX });
    if (answer.type !== 'headers') return 'no headers';
    let more = knownHeaders(params, answer.headers);
    if (fork === undefined) {
      fork = await sharedBelow(own, more);
      for (let height = 1; height <= fork; height++) {
        const wrong = add((await own!.headerAt(height))!);
        if (wrong !== undefined) return wrong;
      }
      more = more.filter(({ height }) => height > fork!);
    }
    for (const header of more) {
      const wrong = add(header);
      if (wrong !== undefined) return wrong;
    }
    // A peer that is not at its end says so with a full answer; each must add something.
    if (answer.headers.length < HEADERS_MAX || !more.length) break;
    locator = [newest.at(-1)!.id];
  }
  return { headers, fork, newest };
}

/** Height of the last block of these headers, or below them, that is this node's too. */
async function sharedBelow(own: OwnChain | undefined, headers: readonly Header[]): Promise<number> {
  if (!own || !headers.length) return own && !headers.length ? own.height : 0;
  let shared = headers[0]!.height - 1;
  for (const header of headers) {
    const id = await own.idAt(header.height);
    if (!id || !equal(id, blockId(header))) break;
    shared = header.height;
  }
  return Math.min(shared, own.height);
}

async function parts(ask: AskPeer, ids: Uint8Array[]): Promise<BlockParts[]> {
  const answer = await ask({ type: 'blocks', ids });
  return answer.type === 'blocks' ? answer.blocks.filter(({ proof }) => proof) : [];
}

/** The light check of the newest blocks, none left out. @returns what is wrong, in words */
async function proofsWrong(
  { ask, network, params, nowMs }: TrustDeps & { readonly params: Params },
  newest: readonly ChainPoint[],
): Promise<string | undefined> {
  const patience = new Patience(newest.length, nowMs);
  const verifyProof = network.verifyProof ?? verifyLight;
  for (let open = newest.slice(1); open.length;) {
    const ids = open.slice(0, BLOCKS_MAX).map(({ id }) => id);
    if (patience.isOver) return 'its proofs drop by drop';
    const given = await patience.wait(() => parts(ask, ids));
    const left = open.filter(({ id }) => !given.some((one) => equal(one.id, id)));
    if (left.length === open.length) return `no proof of block ${open[0]!.header.height}`;
    for (const { id, body, proof } of given) {
      const header = open.find((point) => equal(point.id, id))?.header;
      const model = header && modelAt(params, header.model, header.height);
      const manifest = network.models.get(model ?? '');
      if (!header || !manifest || !proof) return 'a block that was not asked for';
      const wrong =
        verifyProof(params, header, proof, manifest) ?? verifyBody(params.rules, { header, body });
      if (wrong) return `${wrong.fault} at ${header.height}`;
    }
    open = left;
  }
  return undefined;
}

/** The whole state of that root. @returns what is wrong, in words */
async function fetchState(
  ask: AskPeer,
  block: Uint8Array,
  root: Uint8Array,
): Promise<Tree | string> {
  let tree: Tree | undefined;
  for (let from: Uint8Array | undefined = new Uint8Array(32); from;) {
    const answer = await ask({ type: 'state', block, from });
    if (answer.type !== 'state') return 'no state';
    const part = treeFromProof(answer.proof);
    if (isFault(part) || !equal(treeRoot(part), root)) return 'the state of another root';
    tree = tree ? treeMerge(tree, part) : part;
    const next: Uint8Array | undefined = firstStub(tree);
    // Leaf by leaf it would never end.
    if (next && answer.proof.length < PART_BYTES_MIN) return 'the state drop by drop';
    if (next && equal(next, from)) return 'a part of the state that opens nothing';
    from = next;
  }
  return tree!;
}

function* pointsOf(params: Params, headers: Headers, to: number): Generator<ChainPoint> {
  let at = genesisPoint(params, params.genesis.timeMs);
  yield at;
  for (let height = 1; height <= to; height++)
    yield (at = extendPoint(params, at, headers.at(height)!));
}
