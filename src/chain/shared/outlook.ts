/**
 * What the newest blocks say about the rules and the power behind the chain (docs/protocol.md §10.3): whether their
 * makers know rules that this program doesn't, and whether the network has lost most of its power. No rule of
 * consensus; it decides what is called final, and whether anything is paid out with nobody there.
 */
import type { Header } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { versionKnown } from '../../core/header/tables.ts';
import { targetOf } from '../../core/header/target.ts';
import type { Params } from '../../core/params.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';

export interface Outlook {
  /**
   * `changing`: a tenth of the newest blocks were made by programs that know more rules than this one.
   * `ended`: three quarters were, or this program's table ends: its rules may hold no more.
   */
  readonly rules: 'known' | 'changing' | 'ended';
  /** Blocks come so slowly, or have become so easy, that the network has lost most of its power. */
  readonly isWeak: boolean;
}

export const CALM: Outlook = { rules: 'known', isWeak: false };

/** Blocks whose makers are asked what they know. */
const ASKED = 1000;
const CHANGING_PERCENT = 10;
const ENDED_PERCENT = 75;
/** Blocks that may take four times as long as they should. */
const SLOW_BLOCKS = 100;
const SLOW_TIMES = 4;
/** Blocks within which the target may rise eightfold. */
const RISE_BLOCKS = 200;
const RISE_TIMES = 8n;

/** Blocks on top with which a payment is called final, its own counted. */
const FINAL_BLOCKS = 6;
/** So many times as many where the network has lost most of its power. */
const WEAK_TIMES = 10;

/** Blocks, its own counted, with which a payment is final; undefined: none is, as the rules may have ended. */
export function finalBlocks({ rules, isWeak }: Outlook): number | undefined {
  if (rules === 'ended') return undefined;
  return isWeak ? WEAK_TIMES * FINAL_BLOCKS : FINAL_BLOCKS;
}

/** What counts of a block. */
export interface BlockFacts extends Pick<Header, 'height' | 'knows' | 'time'> {
  readonly target: bigint;
}

export const factsOf = (params: Params, header: Header): BlockFacts => ({
  height: header.height,
  knows: header.knows,
  time: header.time,
  target: targetOf(params, header),
});

/** @param newest of one branch, rising, as many of the last ASKED and one more as there are */
export function outlookOf(params: Params, newest: readonly BlockFacts[]): Outlook {
  const head = newest.at(-1);
  if (!head) return CALM;
  const made = newest.filter(({ height }) => height > 0).slice(-ASKED);
  const more = made.filter(({ knows }) => knows > versionKnown(params)).length;
  const isOver = params.rulesEnd !== undefined && head.height >= params.rulesEnd;
  const share = (percent: number): boolean => more > 0 && 100 * more >= percent * made.length;
  const rules =
    isOver || share(ENDED_PERCENT) ? 'ended' : share(CHANGING_PERCENT) ? 'changing' : 'known';

  const before = newest.at(-1 - SLOW_BLOCKS);
  const slowMs = SLOW_TIMES * SLOW_BLOCKS * params.blockTimeMs;
  const isSlow = before !== undefined && head.time - before.time > slowMs;
  const isEasier = made
    .slice(-RISE_BLOCKS - 1)
    .some(({ target }) => head.target >= RISE_TIMES * target);
  return { rules, isWeak: isSlow || isEasier };
}

/** Follows a chain's head. Bounded by ASKED blocks. */
export class OutlookWatch {
  readonly #params: Params;
  readonly #headerAt: (height: number) => Promise<Header | undefined>;
  /** Of the head's branch, rising, each with the id that the next one names. */
  #newest: { readonly id: Uint8Array; readonly facts: BlockFacts }[] = [];

  /** @param headerAt of the head's chain */
  constructor(params: Params, headerAt: (height: number) => Promise<Header | undefined>) {
    this.#params = params;
    this.#headerAt = headerAt;
  }

  /** To be called for each new head, one after the other. @throws AppError of the store */
  async at(head: Header): Promise<Outlook> {
    const fresh: Header[] = [];
    const known = this.#newest.filter(({ facts }) => facts.height < head.height);
    for (let header: Header | undefined = head; header;) {
      fresh.push(header);
      const { height, prevHash } = header;
      while (known.length && known.at(-1)!.facts.height >= height) known.pop();
      const below = known.at(-1);
      const isJoined = below?.facts.height === height - 1 && equal(below.id, prevHash);
      if (isJoined || height === 0 || fresh.length > ASKED) break;
      header = await this.#headerAt(height - 1);
    }
    const added = fresh
      .reverse()
      .map((header) => ({ id: blockId(header), facts: factsOf(this.#params, header) }));
    const joins = known.at(-1)?.facts.height === added[0]!.facts.height - 1;
    this.#newest = [...(joins ? known : []), ...added].slice(-ASKED - 1);
    return outlookOf(
      this.#params,
      this.#newest.map(({ facts }) => facts),
    );
  }
}

/** A chain as its outlook is followed. */
export interface FollowedChain {
  readonly params: Params;
  head(): Header;
  /** Of the head's chain. */
  headerAt(height: number): Promise<Header | undefined>;
  /** Calls the listener at each new head. @returns what removes it */
  subscribe(listener: () => void): () => void;
}

export interface FollowedOutlook {
  now(): Outlook;
  /** Once the head of the beginning was looked at, or could not be. */
  readonly ready: Promise<void>;
  stop(): void;
}

/** Looks at each head, one after the other; where a store fails, at the next one. */
export function followOutlook(
  chain: FollowedChain,
  log: Pick<Log, 'warn' | 'info'>,
  onChange: () => void = () => undefined,
): FollowedOutlook {
  const watch = new OutlookWatch(chain.params, (height) => chain.headerAt(height));
  let now = CALM;
  let isLooking = false;
  let isDue = false;

  async function look(): Promise<void> {
    isDue = true;
    if (isLooking) return;
    isLooking = true;
    try {
      while (isDue) {
        isDue = false;
        const before = now;
        now = await watch.at(chain.head());
        if (now.rules === before.rules && now.isWeak === before.isWeak) continue;
        logChange(log, before, now);
        onChange();
      }
    } catch (e) {
      log.info('outlook.unread', { code: AppError.from(e).code });
    } finally {
      isLooking = false;
    }
  }

  const stop = chain.subscribe(() => void look());
  const ready = look();
  return { now: () => now, ready, stop };
}

function logChange(log: Pick<Log, 'warn' | 'info'>, before: Outlook, now: Outlook): void {
  if (now.rules === 'ended')
    log.warn('rules.ended', {
      why: 'its rules may hold no more: nothing is paid out until it is updated',
    });
  else if (now.rules === 'changing')
    log.warn('rules.changing', { why: 'a tenth of the newest blocks know newer rules: update it' });
  else if (before.rules !== 'known') log.info('rules.known');
  if (now.isWeak && !before.isWeak)
    log.warn('network.weak', {
      why: 'the network has lost most of its power: wait for more blocks',
    });
  else if (!now.isWeak && before.isWeak) log.info('network.strong');
}
