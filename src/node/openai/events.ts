/** Server-sent events of an answer: the first begins it, and until then a refusal has a status of its own. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { AppError } from '../../lib/errors.ts';
import { tellError } from '../http/http.ts';

/** The last word of a whole answer. */
export const DONE = '[DONE]';

export class Events {
  readonly #response: ServerResponse;
  readonly #gone: AbortSignal;

  /** @param gone fires when the caller has left */
  constructor(response: ServerResponse, gone: AbortSignal) {
    this.#response = response;
    this.#gone = gone;
  }

  /** Resolves when the caller has room for more, or has left. */
  async send(data: object): Promise<void> {
    await this.#write(JSON.stringify(data));
  }

  /** Nothing more comes. */
  async end(): Promise<void> {
    await this.#write(DONE);
    this.#response.end();
  }

  /** Tells why no more comes, without the end that a whole answer has. @throws what it is told before anything was sent */
  async fail(e: unknown): Promise<void> {
    if (!this.#response.headersSent) throw e;
    await this.send({ error: tellError(AppError.from(e)) });
    this.#response.end();
  }

  async #write(data: string): Promise<void> {
    if (this.#gone.aborted) return;
    if (!this.#response.headersSent)
      this.#response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        // nginx would keep them until there are many.
        'x-accel-buffering': 'no',
      });
    if (this.#response.write(`data: ${data}\n\n`)) return;
    await once(this.#response, 'drain', { signal: this.#gone }).catch(() => undefined);
  }
}
