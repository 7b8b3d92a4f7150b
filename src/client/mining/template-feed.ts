/**
 * Supplies a miner with templates: at every new head, soon after a transaction, and every few seconds, so
 * that the header's time stays right. It also finds the body that a winning header commits to.
 */
import { bodyRoot } from '../../core/tx/body.ts';
import type { Body } from '../../core/formats.ts';
import type { Block } from '../../core/messages.ts';
import { toHex } from '../../lib/bytes.ts';
import type { FoundBlock, Work } from '../../miner/engine/miner-api.ts';

/** Bodies of older templates that a win may still name. */
const BODIES_KEPT = 16;
/** ms: a template executes the whole pool, and one for each transaction would be too many. */
const SOON_MS = 500;

export interface TemplateFeed {
  /** Makes a template now. */
  refresh(): void;
  /** Makes a template within `SOON_MS`: one for all transactions that come meanwhile. */
  refreshSoon(): void;
  /** The whole block of a win, or undefined when its template is no longer kept. The work on its head ends. */
  complete(found: FoundBlock): Block | undefined;
  stop(): void;
}

/** `make` gives undefined while there is nothing to work on; `everyMs` between refreshes. */
export function createTemplateFeed(
  make: () => (Work & { body: Body }) | undefined,
  work: (template: Work | undefined) => void,
  everyMs: number,
): TemplateFeed {
  const bodies = new Map<string, Body>();
  let soon: ReturnType<typeof setTimeout> | undefined;
  const refresh = (): void => {
    clearTimeout(soon);
    soon = undefined;
    const made = make();
    if (!made) return work(undefined);
    const { body, ...template } = made;
    const root = toHex(bodyRoot(body));
    bodies.delete(root);
    bodies.set(root, body);
    for (const old of bodies.keys()) if (bodies.size > BODIES_KEPT) bodies.delete(old);
    work(template);
  };
  const timer = setInterval(refresh, everyMs);
  return {
    refresh,
    refreshSoon: () => void (soon ??= setTimeout(refresh, SOON_MS)),
    complete({ header, proof }) {
      work(undefined);
      const body = bodies.get(toHex(header.bodyRoot));
      return body && { header, body, proof };
    },
    stop() {
      clearInterval(timer);
      clearTimeout(soon);
    },
  };
}
