/**
 * The conversation that is open, and what keeps it. An answer that is being written outlives the screen: it goes on
 * while the person looks elsewhere in the app, and is there, or is kept, when they come back.
 */
import type { Session } from '../../../session.svelte.ts';
import { Sources } from '../about/sources.svelte.ts';
import { Chats, type Entry } from './chats.svelte.ts';
import { Talk } from './talk.svelte.ts';

/** Of each session the one that a screen shows, or that goes on without. */
const held = new WeakMap<Session, Talking>();

export class Talking {
  readonly chats: Chats;
  readonly sources: Sources;
  talk = $state.raw<Talk>() as Talk;
  readonly #session: Session;
  /** Screens that show it: while one replaces the other there may be two. */
  #screens = 0;

  private constructor(session: Session, chats: Chats) {
    this.#session = session;
    this.chats = chats;
    this.sources = new Sources(session);
    this.talk = new Talk(session, chats);
  }

  /** For a screen, until it leaves: what goes on, or a new one. @param chats of a new one */
  static of(session: Session, chats = () => new Chats()): Talking {
    const talking = held.get(session) ?? new Talking(session, chats());
    held.set(session, talking);
    talking.#screens++;
    return talking;
  }

  /** Shows another; what has come of an answer before it stays there. @param entry a kept one; absent: a new one */
  open(entry?: Entry): void {
    this.talk.stop();
    this.talk = new Talk(this.#session, this.chats, entry);
  }

  /** A screen shows it no more: it ends with its answer, unless another screen does. */
  async leave(): Promise<void> {
    this.#screens--;
    const { talk } = this;
    if (talk.writing.isRunning) await talk.ended();
    await talk.settled();
    if (this.#screens || held.get(this.#session) !== this) return;
    held.delete(this.#session);
    this.sources.close();
    await this.chats.close();
  }
}
