/** The place in the app, from the fragment: it never reaches the server. */
export const PLACES = ['pila', 'wallet', 'settings'] as const;
export type Place = (typeof PLACES)[number];

export const placeOf = (fragment: string): Place =>
  PLACES.find((place) => fragment === `#/${place}`) ?? 'pila';

export const linkTo = (place: Place): string => (place === 'pila' ? '#/' : `#/${place}`);

export class Route {
  place = $state<Place>('pila');

  /** Follows the address bar. */
  constructor(page: Pick<Window, 'location' | 'addEventListener'>) {
    this.place = placeOf(page.location.hash);
    page.addEventListener('hashchange', () => (this.place = placeOf(page.location.hash)));
  }
}
