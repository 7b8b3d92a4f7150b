/** Where a call is to be answered: it says so by the model's name, or by a header. */
import type { IncomingMessage } from 'node:http';
import { FieldError } from '../http/http.ts';
import { PLACES, type Place } from '../http/paid-inference.ts';

/** Header that says it. */
export const PLACE_HEADER = 'pila-answer';
/** Header with what a call may cost, nV for a unit of the model's price. */
export const PRICE_HEADER = 'pila-price';

const isPlace = (text: string): text is Place => PLACES.some((place) => place === text);

/** @throws FieldError BODY_MALFORMED where there is no such place, or name and header differ */
export function placeOf(
  { headers }: Pick<IncomingMessage, 'headers'>,
  model: string,
): { readonly name: string; readonly place: Place | undefined } {
  const [name = '', ...after] = model.split('@');
  const said = headers[PLACE_HEADER];
  const wanted = [...after, ...(said === undefined ? [] : [String(said)])];
  const [place] = wanted;
  if (place === undefined) return { name, place };
  if (!isPlace(place) || wanted.some((each) => each !== place))
    throw new FieldError('BODY_MALFORMED', 'model', `answered by: ${PLACES.join(' or ')}`);
  return { name, place };
}
