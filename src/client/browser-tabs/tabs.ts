/**
 * Several tabs, one engine. The tab that holds the lock `leader` runs it; the others call it over a
 * BroadcastChannel and hear its events, so that every tab can see and do everything. When the leader
 * goes, however it goes, its lock falls to a waiting tab: that one starts an engine, tells it again
 * what was asked for, goes on mining if it ran, and calls in flight are made again.
 */
import { BoundedMap } from '../../lib/bounded.ts';
import { AppError } from '../../lib/errors.ts';
import { connect, expose } from '../../lib/rpc.ts';
import { CLIENT_METHODS, type ClientApi, type ClientEvent } from '../api.ts';
import {
  createTabPort,
  readMessage,
  type MiningWish,
  type TabChannel,
  type TabMessage,
  type TabPort,
} from './tab-messages.ts';
import {
  CALLS_MAX,
  FOLLOWERS_MAX,
  isStop,
  newLink,
  TabWishes,
  TRIES_MAX,
  type Link,
  type Method,
  type TabEngine,
  type TabParts,
} from './tab-engine.ts';

export interface Tabs {
  /** Joins the other tabs at its first call. @throws what starting the engine fails with */
  readonly client: ClientApi;
  /** Hears what the engine tells, whichever tab runs it; the result stops it. */
  on(hear: (event: ClientEvent) => void): () => void;
  /** The page is hidden for good, or kept for a way back: lets another tab lead. */
  leave(): void;
  /** The page has come back. */
  rejoin(): void;
}

type Calls = Record<string, (...args: unknown[]) => Promise<unknown>>;
type Events = { event: ClientEvent };

interface Follower extends TabPort {
  readonly gone: AbortController;
  calls: number;
}

/** From joining the other tabs to leaving them. */
interface Stay {
  readonly channel: TabChannel;
  readonly over: AbortController;
  readonly locks: (() => void)[];
  readonly followers: BoundedMap<string, Follower>;
  /** Keys to serve by, of each tab, the one told last at the end. */
  readonly serving: Map<string, Uint8Array>;
  /** This tab holds the lock; `engine` once it has started. */
  leads: boolean;
  engine: TabEngine | undefined;
  payTo: Uint8Array | undefined;
  /** While another leads. */
  leader: ({ readonly id: string } & TabPort) | undefined;
}

const lockOfTab = (id: string): string => `tab ${id}`;

export function createTabs(parts: TabParts): Tabs {
  const tabs = new TabSet(parts);
  const client = Object.fromEntries(
    CLIENT_METHODS.map((method) => [method, (...args: unknown[]) => tabs.call(method, args)]),
  ) as unknown as ClientApi;
  return {
    client,
    on: (hear) => tabs.on(hear),
    leave: () => tabs.leave(),
    rejoin: () => tabs.rejoin(),
  };
}

class TabSet {
  readonly #parts: TabParts;
  readonly #hearers = new Set<(event: ClientEvent) => void>();
  readonly #wishes = new TabWishes();
  #stay: Stay | undefined;
  #link: Link | undefined;
  #nextLink = newLink();
  /** What runs, by the leader's word. */
  #mining: MiningWish | undefined;
  #calls = 0;
  #left = false;

  constructor(parts: TabParts) {
    this.#parts = parts;
  }

  on(hear: (event: ClientEvent) => void): () => void {
    this.#hearers.add(hear);
    return () => void this.#hearers.delete(hear);
  }

  async call(method: Method, args: unknown[]): Promise<unknown> {
    if (this.#calls >= CALLS_MAX) throw new AppError('BUSY', `${CALLS_MAX} calls are waiting`);
    // If the leader dies over it, nobody is to go on.
    if (isStop(method)) this.#mining = undefined;
    this.#calls++;
    try {
      for (let tries = 1; ; tries++) {
        this.#join();
        const link = this.#link ?? (await this.#nextLink.promise);
        try {
          const value = await link.call(method, args);
          this.#wishes.note(method, args);
          return value;
        } catch (e) {
          // Made again where the engine is now: every call can be made twice.
          if (!link.ended || tries === TRIES_MAX) throw e;
        }
      }
    } finally {
      this.#calls--;
    }
  }

  leave(): void {
    const stay = this.#stay;
    this.#left = stay !== undefined;
    if (!stay) return;
    this.#say(stay, { type: 'bye', from: this.#parts.tab });
    // Others go on from their own copy; who comes back later starts it anew if he wants it.
    this.#mining = undefined;
    this.#end(stay);
  }

  rejoin(): void {
    if (!this.#left) return;
    this.#left = false;
    this.#join();
  }

  #join(): void {
    if (this.#stay || this.#left) return;
    const stay: Stay = {
      channel: this.#parts.openChannel(),
      over: new AbortController(),
      locks: [],
      followers: new BoundedMap(FOLLOWERS_MAX, (id, { gone }) => {
        gone.abort();
        stay.serving.delete(id);
      }),
      serving: new Map(),
      ...{ leads: false, engine: undefined, payTo: undefined, leader: undefined },
    };
    this.#stay = stay;
    stay.channel.addEventListener('message', ({ data }) => {
      const message = readMessage(data);
      if (message && !stay.over.signal.aborted) this.#hear(stay, message);
    });
    this.#enter(stay).catch((e: unknown) => this.#fail(stay, e));
  }

  async #enter(stay: Stay): Promise<void> {
    const { tab } = this.#parts;
    // Held as long as this tab lives: whoever waits for it learns that the tab is gone.
    await this.#hold(stay, lockOfTab(tab));
    this.#say(stay, { type: 'hello', from: tab });
    await this.#hold(stay, 'leader');
    await this.#lead(stay);
  }

  async #hold(stay: Stay, name: string): Promise<void> {
    const release = await this.#parts.lock(name, stay.over.signal);
    if (!stay.over.signal.aborted) stay.locks.push(release);
    else {
      release();
      throw new AppError('STORE_CLOSED', 'this tab has left');
    }
  }

  #say(stay: Stay, message: TabMessage): void {
    if (!stay.over.signal.aborted) stay.channel.postMessage(message);
  }

  #end(stay: Stay): void {
    stay.over.abort();
    stay.channel.close();
    for (const [, { gone }] of stay.followers) gone.abort();
    this.#setLink(undefined);
    stay.engine?.stop();
    for (const release of stay.locks) release();
    if (this.#stay === stay) this.#stay = undefined;
  }

  /** The engine did not start, or has died: who waits is told, and the next call tries again. */
  #fail(stay: Stay, error: unknown): void {
    if (stay.over.signal.aborted) return;
    this.#end(stay);
    const { code, message } = AppError.from(error);
    if (this.#calls === 0) this.#emit({ type: 'problem', code, message });
    this.#nextLink.reject(error);
    this.#nextLink = newLink();
  }

  /** Calls go this way from now on; without one they wait. */
  #setLink(link: Link | undefined): void {
    const old = this.#link;
    this.#link = link;
    if (old) {
      old.ended = true;
      old.end();
    }
    if (!link) return;
    this.#nextLink.resolve(link);
    this.#nextLink = newLink();
  }

  #emit(event: ClientEvent): void {
    for (const hear of this.#hearers) hear(event);
  }

  // As leader

  async #lead(stay: Stay): Promise<void> {
    const { tab } = this.#parts;
    this.#forgetLeader(stay);
    stay.leads = true;
    const engine = await this.#parts.startEngine();
    if (stay.over.signal.aborted) return engine.stop();
    stay.engine = engine;
    void engine.died.then((e) => this.#fail(stay, e));
    const tell = (event: ClientEvent): void => {
      this.#emit(event);
      this.#say(stay, { type: 'rpc', from: tab, to: '', data: { event: 'event', value: event } });
    };
    engine.on((event) => {
      if (event.type === 'miner' && event.status.state === 'failed')
        this.#setMining(stay, undefined);
      tell(event);
    });
    const call: Link['call'] = (method, args) => this.#perform(stay, tab, method, args);
    await this.#remind(call);
    this.#resumeMining(stay, call);
    if (stay.over.signal.aborted) return;
    this.#setLink({ call, ended: false, end: () => undefined });
    this.#announce(stay);
    // What the last engine told is no longer so.
    const { chain, miner } = await engine.client.status();
    tell({ type: 'chain', status: chain });
    tell({ type: 'miner', status: miner });
  }

  #resumeMining(stay: Stay, call: Link['call']): void {
    const wish = this.#mining;
    if (!wish) return;
    const resume = async () => {
      if (!stay.payTo && wish.payTo) await call('payTo', [wish.payTo]);
      if (this.#mining === wish) await call('startMining', [wish.options]);
    };
    resume().catch((e: unknown) => {
      const { code, message } = AppError.from(e);
      if (!stay.over.signal.aborted) this.#emit({ type: 'problem', code, message });
    });
  }

  #announce(stay: Stay): void {
    this.#say(stay, { type: 'leader', from: this.#parts.tab, mining: this.#mining });
  }

  #setMining(stay: Stay, wish: MiningWish | undefined): void {
    this.#mining = wish;
    this.#announce(stay);
  }

  /** Runs a call of this tab or of a follower. */
  async #perform(stay: Stay, from: string, method: Method, args: unknown[]): Promise<unknown> {
    const engine = stay.engine!.client as unknown as Calls;
    if (method === 'serve') return this.#serve(stay, from, args[0] as Uint8Array | undefined);
    if (isStop(method)) this.#setMining(stay, undefined);
    if (method !== 'startMining') {
      const value = await engine[method]!(...args);
      if (method === 'payTo') stay.payTo = args[0] as Uint8Array;
      return value;
    }
    // Noted before: if this tab dies while the model loads, the next one loads it.
    const wish = { options: args[0] as MiningWish['options'], payTo: stay.payTo };
    this.#setMining(stay, wish);
    return await engine[method]!(...args).catch((e: unknown) => {
      if (this.#mining === wish && !stay.over.signal.aborted) this.#setMining(stay, undefined);
      throw e;
    });
  }

  /** One tab's vault may be locked while another's is open: the engine serves while any is. */
  #serve(stay: Stay, from: string, key: Uint8Array | undefined): Promise<void> {
    stay.serving.delete(from);
    if (key) stay.serving.set(from, key);
    return stay.engine!.client.serve([...stay.serving.values()].at(-1));
  }

  #follower(stay: Stay, id: string): Follower {
    const known = stay.followers.get(id);
    if (known) return known;
    const { tab } = this.#parts;
    const gone = new AbortController();
    const send = (data: unknown) => this.#say(stay, { type: 'rpc', from: tab, to: id, data });
    const follower: Follower = { ...createTabPort(send), gone, calls: 0 };
    const run = async (method: Method, args: unknown[]) => {
      if (follower.calls >= CALLS_MAX) throw new AppError('BUSY', `${CALLS_MAX} calls of one tab`);
      follower.calls++;
      return this.#perform(stay, id, method, args).finally(() => follower.calls--);
    };
    const api = Object.fromEntries(
      CLIENT_METHODS.map((method) => [method, (...args: unknown[]) => run(method, args)]),
    );
    expose(api, follower.port);
    stay.followers.set(id, follower);
    this.#whenGone(id, gone.signal, () => this.#forget(stay, id));
    return follower;
  }

  #forget(stay: Stay, id: string): void {
    stay.followers.get(id)?.gone.abort();
    stay.followers.delete(id);
    if (stay.serving.has(id)) this.#serve(stay, id, undefined).catch(() => undefined);
  }

  /** Its lock can be had once a tab is gone. */
  #whenGone(id: string, signal: AbortSignal, act: () => void): void {
    this.#parts.lock(lockOfTab(id), signal).then(
      (release) => {
        release();
        if (!signal.aborted) act();
      },
      () => undefined,
    );
  }

  // As follower

  #hear(stay: Stay, message: TabMessage): void {
    const { from } = message;
    if (stay.leads) {
      if (!stay.engine) return;
      if (message.type === 'hello') this.#announce(stay);
      else if (message.type === 'bye') this.#forget(stay, from);
      else if (message.type === 'rpc' && message.to === this.#parts.tab)
        this.#follower(stay, from).deliver(message.data);
    } else if (message.type === 'leader') {
      this.#mining = message.mining;
      if (stay.leader?.id !== from) void this.#follow(stay, from);
    } else if (from === stay.leader?.id) {
      if (message.type === 'bye') this.#forgetLeader(stay);
      else if (message.type === 'rpc' && (message.to === this.#parts.tab || message.to === ''))
        stay.leader.deliver(message.data);
    }
  }

  async #follow(stay: Stay, id: string): Promise<void> {
    const { tab } = this.#parts;
    this.#forgetLeader(stay);
    const gone = new AbortController();
    let die: (reason: string) => void = () => undefined;
    const leader = {
      id,
      ...createTabPort((data) => this.#say(stay, { type: 'rpc', from: tab, to: id, data })),
    };
    stay.leader = leader;
    const remote = connect<ClientApi, Events>(leader.port, { failed: (fail) => (die = fail) });
    remote.on('event', (event) => this.#emit(event));
    const link: Link = {
      call: (method, args) => (remote as unknown as Calls)[method]!(...args),
      ended: false,
      end() {
        gone.abort();
        die('another tab leads');
      },
    };
    this.#setLink(link);
    // A leader that died before it was heard: who leads now answers.
    this.#whenGone(id, gone.signal, () => {
      if (stay.leader !== leader) return;
      this.#forgetLeader(stay);
      this.#say(stay, { type: 'hello', from: tab });
    });
    await this.#remind(link.call);
  }

  #forgetLeader(stay: Stay): void {
    stay.leader = undefined;
    this.#setLink(undefined);
  }

  /** Tells a new engine what this tab asked of the last. */
  async #remind(call: Link['call']): Promise<void> {
    for (const [method, args] of this.#wishes.calls())
      await call(method, args).catch(() => undefined);
  }
}
