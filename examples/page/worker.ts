/** The same in a worker of one's own: texts in, their labels out, and the page is never busy. */
import { AppError, createPila, type Pila } from 'pila';

interface Question {
  readonly seed: string;
  readonly texts: readonly string[];
}

let pila: Promise<Pila> | undefined;

async function labelsOf({ seed, texts }: Question): Promise<string> {
  pila ??= createPila({ network: seed });
  const rows = await (await pila).run('lingua', texts);
  return rows.map(({ label }) => label ?? 'can’t tell').join(', ');
}

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  labelsOf(data).then(postMessage, (error: unknown) => postMessage(AppError.from(error).code));
});
