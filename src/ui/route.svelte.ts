/** The place in the app, from the fragment: it never reaches the server. */
export const PLACES = ['pila', 'ask', 'wallet', 'network', 'settings'] as const;
export type Place = (typeof PLACES)[number];

/**
 * Pages under a place, each about one thing: a block by height or id, a question by its text, a shared answer by its
 * bytes, the others by id or address. Links to a `receipt` were made while the chain held questions.
 */
const PAGES = {
  receipt: 'ask',
  question: 'ask',
  answer: 'ask',
  block: 'network',
  tx: 'network',
  address: 'network',
  watch: 'wallet',
  pay: 'wallet',
} as const satisfies Record<string, Place>;
export type PageName = keyof typeof PAGES;

/** Rooms of a place, which are about nothing in particular. */
const SECTIONS = { search: 'ask', what: 'pila' } as const satisfies Record<string, Place>;
export type SectionName = keyof typeof SECTIONS;

export interface Location {
  readonly place: Place;
  readonly page: PageName | SectionName | undefined;
  /** What follows the page's name, decoded. */
  readonly about: string;
}

export function locationOf(fragment: string): Location {
  const [, name = '', ...rest] = fragment.split('/');
  const place = PLACES.find((p) => fragment === `#/${p}`);
  if (place) return { place, page: undefined, about: '' };
  const section = (Object.keys(SECTIONS) as SectionName[]).find(
    (s) => fragment === linkToSection(s),
  );
  if (section) return { place: SECTIONS[section], page: section, about: '' };
  const page = (Object.keys(PAGES) as PageName[]).find((p) => p === name);
  if (!page || !rest.length) return { place: 'pila', page: undefined, about: '' };
  return { place: PAGES[page], page, about: decoded(rest.join('/')) };
}

/** A person may have typed anything: what is no escape stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const linkTo = (place: Place): string => (place === 'pila' ? '#/' : `#/${place}`);
export const linkToSection = (section: SectionName): string =>
  `${linkTo(SECTIONS[section]).replace(/\/$/, '')}/${section}`;
export const linkToPage = (page: PageName, about: string | number): string =>
  `#/${page}/${encodeURIComponent(about)}`;

export class Route {
  location = $state.raw<Location>(locationOf(''));

  /** Follows the address bar. */
  constructor(page: Pick<Window, 'location' | 'addEventListener'>) {
    this.location = locationOf(page.location.hash);
    page.addEventListener('hashchange', () => (this.location = locationOf(page.location.hash)));
  }

  get place(): Place {
    return this.location.place;
  }
}
