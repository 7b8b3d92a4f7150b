/** The person's own texts, as a conversation about them reads them: opened when there is one. */
import type { ModelInfo } from '../../../../client/api.ts';
import type { Hit } from '../../../../client/texts-index/texts-index.ts';
import type { Session } from '../../../session.svelte.ts';
import type { OwnTexts } from '../../search/own-texts.svelte.ts';

export class Sources {
  readonly #session: Session;
  #opening: Promise<OwnTexts> | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** @param model that compares texts @throws AppError STORE_*, and where the code of it cannot be loaded */
  open(model: ModelInfo): Promise<OwnTexts> {
    const opening = (this.#opening ??= this.#open(model));
    // Another try opens them anew.
    opening.catch(() => (this.#opening = undefined));
    return opening;
  }

  async #open(model: ModelInfo): Promise<OwnTexts> {
    const { OwnTexts } = await import('../../search/own-texts.svelte.ts');
    const own = new OwnTexts(this.#session, model);
    await own.open();
    if (!own.failed) return own;
    own.close();
    throw own.failed;
  }

  /**
   * Passages that are most like a question; none where nothing of it is kept any more.
   * @param about as of KeptChat @throws as `open`; AppError as OwnTexts.find
   */
  async find(model: ModelInfo, question: string, about: string): Promise<readonly Hit[]> {
    const own = await this.open(model);
    return (await own.find(question, about || undefined)).hits;
  }

  close(): void {
    void this.#opening?.then((own) => own.close()).catch(() => undefined);
  }
}
