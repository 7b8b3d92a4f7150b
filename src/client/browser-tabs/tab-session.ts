/** A tab's session with the other tabs, from joining them to leaving: its channel and its locks. */
import { AppError } from '../../lib/errors.ts';
import type { TabDeps } from './tab-engine.ts';
import { readMessage, type TabChannel, type TabMessage } from './tab-messages.ts';

const lockOf = (tab: string): string => `tab ${tab}`;

/** A message before its sender is added. */
type Unsent<M> = M extends TabMessage ? Omit<M, 'from'> : never;

export class TabSession {
  /** This tab's id. */
  readonly tab: string;
  readonly #deps: TabDeps;
  readonly #channel: TabChannel;
  readonly #ended = new AbortController();
  readonly #locks: (() => void)[] = [];

  constructor(deps: TabDeps) {
    this.tab = deps.tab;
    this.#deps = deps;
    this.#channel = deps.openChannel();
  }

  get hasEnded(): boolean {
    return this.#ended.signal.aborted;
  }

  onMessage(listener: (message: TabMessage) => void): void {
    this.#channel.addEventListener('message', ({ data }) => {
      const message = readMessage(data);
      if (message && !this.hasEnded) listener(message);
    });
  }

  send(message: Unsent<TabMessage>): void {
    if (!this.hasEnded) this.#channel.postMessage({ ...message, from: this.tab });
  }

  /** Holds this tab's own lock as long as the tab lives: another tab that gets the lock knows that this one is gone. */
  holdOwnLock(): Promise<void> {
    return this.hold(lockOf(this.tab));
  }

  /** Waits for a lock and holds it until the session ends. @throws when the session ends first */
  async hold(name: string): Promise<void> {
    const release = await this.#deps.lock(name, this.#ended.signal);
    if (!this.hasEnded) this.#locks.push(release);
    else {
      release();
      throw new AppError('STORE_CLOSED', 'this tab has left');
    }
  }

  /** Calls `act` once another tab is gone, which shows when its lock is free. */
  whenGone(tab: string, signal: AbortSignal, act: () => void): void {
    this.#deps.lock(lockOf(tab), signal).then(
      (release) => {
        release();
        if (!signal.aborted) act();
      },
      // The signal aborted: the caller is no longer interested.
      () => undefined,
    );
  }

  /** Ends sending and receiving; the locks are kept until `releaseLocks`. */
  end(): void {
    this.#ended.abort();
    this.#channel.close();
  }

  /** Releases all locks, so that another tab may lead. */
  releaseLocks(): void {
    for (const release of this.#locks) release();
  }
}
