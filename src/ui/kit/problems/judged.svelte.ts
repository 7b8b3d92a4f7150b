/** A field's fault was found for a text: it goes once another one stands there, whoever put it there. */
import { untrack } from 'svelte';

export class Judged {
  readonly #value: () => string;
  #judged = $state<string>();

  /** To be made while a component is. */
  constructor(value: () => string, fault: () => string | undefined) {
    this.#value = value;
    this.#judged = untrack(value);
    $effect(() => {
      void fault();
      this.#again();
    });
  }

  /** What was found still holds. */
  get holds(): boolean {
    return this.#judged === this.#value();
  }

  /** The same fault may be found again: each submission of the field's form judges it anew. */
  readonly follow = (field: HTMLInputElement | HTMLTextAreaElement) => {
    const { form } = field;
    form?.addEventListener('submit', this.#again);
    return () => form?.removeEventListener('submit', this.#again);
  };

  readonly #again = () => {
    this.#judged = untrack(this.#value);
  };
}
