/**
 * Several tabs, one engine. The tab that holds the lock `leader` runs the engine; the others call it over a
 * BroadcastChannel and get its events, so that every tab can see and do everything. When the leader ends,
 * for whatever reason, its lock passes to a waiting tab. That tab starts an engine, repeats the calls that the
 * last engine must have had, and goes on mining if the last one mined. Calls in flight are made again.
 */
import { AppError } from '../../lib/errors.ts';
import { Emitter } from '../../lib/events.ts';
import { CLIENT_METHODS, type ClientApi, type ClientEvent } from '../api.ts';
import { Leader, type TabEvents } from './leader.ts';
import { connectLeadingTab, type LeadingTab } from './leading-tab.ts';
import {
  CALLS_MAX,
  EngineLinks,
  isStop,
  TRIES_MAX,
  type Method,
  type TabDeps,
} from './tab-engine.ts';
import { TabMemory } from './tab-memory.ts';
import type { TabMessage } from './tab-messages.ts';
import { TabSession } from './tab-session.ts';

export interface Tabs {
  /** Joins the other tabs at its first call. @throws what starting the engine fails with */
  readonly client: ClientApi;
  /** The engine's events, whichever tab runs it. @returns what removes the listener */
  on(listener: (event: ClientEvent) => void): () => void;
  /** The page is closed, or kept in the browser's back/forward cache: lets another tab lead. */
  leave(): void;
  /** The page has come back. */
  rejoin(): void;
}

/** The role of a tab among the others. */
type Role =
  /** The tab waits for a leader to answer, or for the lock. */
  | { readonly type: 'joined' }
  /** Another tab leads. */
  | { readonly type: 'following'; readonly leader: LeadingTab }
  /** The tab holds the lock, and its engine is starting. */
  | { readonly type: 'starting' }
  | { readonly type: 'leading'; readonly leader: Leader };

/** The session and this tab's role in it. */
interface Membership {
  readonly session: TabSession;
  role: Role;
}

export function createTabs(deps: TabDeps): Tabs {
  const tab = new Tab(deps);
  const client = Object.fromEntries(
    CLIENT_METHODS.map((method) => [method, (...args: unknown[]) => tab.call(method, args)]),
  ) as unknown as ClientApi;
  return {
    client,
    on: (listener) => tab.on(listener),
    leave: () => tab.leave(),
    rejoin: () => tab.rejoin(),
  };
}

class Tab {
  readonly #deps: TabDeps;
  readonly #events = new Emitter<TabEvents>();
  readonly #memory = new TabMemory();
  readonly #links = new EngineLinks();
  /** Calls that wait for an answer. */
  #waiting = 0;
  /** undefined before the first call, and after leaving. */
  #membership: Membership | undefined;
  #hasLeft = false;

  constructor(deps: TabDeps) {
    this.#deps = deps;
  }

  on(listener: (event: ClientEvent) => void): () => void {
    return this.#events.on('engine', listener);
  }

  async call(method: Method, args: unknown[]): Promise<unknown> {
    if (this.#waiting >= CALLS_MAX) throw new AppError('BUSY', `${CALLS_MAX} calls are waiting`);
    // If the leader dies during this call, no tab must go on mining.
    if (isStop(method)) this.#memory.mining = undefined;

    this.#waiting++;
    try {
      const value = await this.#callUntilAnswered(method, args);
      this.#memory.note(method, args);
      return value;
    } finally {
      this.#waiting--;
    }
  }

  /** When an engine ends during a call, the call is made to the next one: every call may be made twice. */
  async #callUntilAnswered(method: Method, args: unknown[]): Promise<unknown> {
    for (let tries = 1; ; tries++) {
      this.#join();
      const link = await this.#links.get();
      try {
        return await link.call(method, args);
      } catch (e) {
        if (this.#links.isCurrent(link) || tries === TRIES_MAX) throw e;
      }
    }
  }

  leave(): void {
    const membership = this.#membership;
    this.#hasLeft = membership !== undefined;
    if (!membership) return;
    membership.session.send({ type: 'bye' });
    // Other tabs go on mining from their own copy of the intent; a person who comes back here starts mining again.
    this.#memory.mining = undefined;
    this.#end(membership);
  }

  rejoin(): void {
    if (!this.#hasLeft) return;
    this.#hasLeft = false;
    this.#join();
  }

  #join(): void {
    if (this.#membership || this.#hasLeft) return;
    const membership: Membership = {
      session: new TabSession(this.#deps),
      role: { type: 'joined' },
    };
    this.#membership = membership;
    membership.session.onMessage((message) => this.#onMessage(membership, message));
    this.#takePart(membership).catch((e: unknown) => this.#fail(membership, e));
  }

  /** Asks who leads, and leads once nobody else does. */
  async #takePart(membership: Membership): Promise<void> {
    const { session } = membership;
    await session.holdOwnLock();
    session.send({ type: 'hello' });
    await session.hold('leader');
    await this.#lead(membership);
  }

  #end(membership: Membership): void {
    const { session, role } = membership;
    session.end();
    this.#links.set(undefined);
    if (role.type === 'leading') role.leader.end();
    session.releaseLocks();
    if (this.#membership === membership) this.#membership = undefined;
  }

  /** The engine did not start, or has died: calls that wait fail, and the next call tries again. */
  #fail(membership: Membership, error: unknown): void {
    if (membership.session.hasEnded) return;
    this.#end(membership);
    const { code, message } = AppError.from(error);
    if (!this.#waiting) this.#events.emit('engine', { type: 'problem', code, message });
    this.#links.fail(error);
  }

  async #lead(membership: Membership): Promise<void> {
    const { session } = membership;
    this.#links.set(undefined);
    membership.role = { type: 'starting' };
    const engine = await this.#deps.startEngine();
    if (session.hasEnded) return engine.stop();

    const leader = new Leader(session, engine, this.#memory, this.#events);
    membership.role = { type: 'leading', leader };
    void engine.died.then((e) => this.#fail(membership, e));
    await this.#memory.replay(leader.call);
    void leader.resumeMining();
    if (session.hasEnded) return;

    this.#links.set({ call: leader.call, end: () => undefined });
    leader.announce();
    await leader.publishStatus();
  }

  #onMessage(membership: Membership, message: TabMessage): void {
    const { session, role } = membership;
    switch (role.type) {
      case 'starting':
        return;
      case 'leading':
        return role.leader.onMessage(message);
      case 'joined':
      case 'following':
        break;
    }

    const leader = role.type === 'following' ? role.leader : undefined;
    if (message.type === 'leader') {
      this.#memory.mining = message.mining;
      if (leader?.id !== message.from) void this.#follow(membership, message.from);
    } else if (leader && message.from === leader.id) {
      if (message.type === 'bye') this.#loseLeader(membership);
      else if (message.type === 'rpc' && (message.to === session.tab || message.to === ''))
        leader.deliver(message.data);
    }
  }

  async #follow(membership: Membership, id: string): Promise<void> {
    const { session } = membership;
    const leader = connectLeadingTab(session, id, this.#events);
    this.#links.set(undefined);
    membership.role = { type: 'following', leader };
    this.#links.set(leader.link);

    // A leader that dies sends no message; the hello is then answered by the next leading tab.
    session.whenGone(id, leader.ended, () => {
      const { role } = membership;
      if (role.type !== 'following' || role.leader !== leader) return;
      this.#loseLeader(membership);
      session.send({ type: 'hello' });
    });
    await this.#memory.replay(leader.link.call);
  }

  #loseLeader(membership: Membership): void {
    membership.role = { type: 'joined' };
    this.#links.set(undefined);
  }
}
