/** Which honest clients are connected to the seed, by what they say themselves, and why one was let go. */
import type { FromClients } from './clients.ts';

/** ms in which a client that lost its connection has another: a seed is dialled again within 15 s, and 8 s pass in a dial. */
export const BACK_MS = 30_000;
/** ms in which what the seed writes to its log before it closes a connection has come here. */
const LOG_MS = 500;

export type Presence = Extract<FromClients, { peer: string }>;

interface LetGo {
  readonly client: number;
  readonly atMs: number;
  /** What the seed's log says of it. */
  reasons: readonly string[];
}

export class Presences {
  /** The newest word of each client. */
  readonly #last = new Map<number, Presence>();
  readonly #letGo: LetGo[] = [];
  readonly #logOf: (peer: string) => readonly string[];

  /** @param logOf lines of the seed's log that name a peer */
  constructor(logOf: (peer: string) => readonly string[]) {
    this.#logOf = logOf;
  }

  note(now: Presence): void {
    const before = this.#last.get(now.client);
    this.#last.set(now.client, now);
    if (!before?.isConnected || now.isConnected) return;
    const letGo: LetGo = { client: now.client, atMs: now.atMs, reasons: [] };
    this.#letGo.push(letGo);
    // At once: the log is long, and its first lines are forgotten.
    setTimeout(() => (letGo.reasons = this.#logOf(now.peer)), LOG_MS);
  }

  /** Of the clients from 0 on those without a connection now, by their own word or by the seed's list of peers. */
  absent(clients: number, listed: ReadonlySet<string>): number[] {
    return Array.from({ length: clients }, (_, client) => client).filter((client) => {
      const last = this.#last.get(client);
      return !last?.isConnected || !listed.has(last.peer);
    });
  }

  /** Clients that the seed's log names as charged. */
  charged(): number[] {
    const isCharged = (peer: string): boolean =>
      this.#logOf(peer).some((line) => line.includes('peer.charged'));
    const noted = new Set(this.#letGo.filter(wasCharged).map(({ client }) => client));
    for (const { client, peer } of this.#last.values()) if (isCharged(peer)) noted.add(client);
    return [...noted];
  }

  /** Prints each connection that ended, with what the seed said of it. */
  show(startMs: number): void {
    for (const { client, atMs, reasons } of this.#letGo) {
      const last = this.#last.get(client)!;
      const back =
        last.isConnected && last.atMs >= atMs ? `back after ${last.atMs - atMs} ms` : 'not back';
      const why = reasons.length ? reasons.join('\n  ') : 'the seed says nothing of it';
      console.log(`client ${client} let go at ${atMs - startMs} ms, ${back}: ${why}`);
    }
  }
}

const wasCharged = ({ reasons }: LetGo): boolean =>
  reasons.some((line) => line.includes('peer.charged'));
