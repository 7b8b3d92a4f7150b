/** Texts of all that is not in the first route: one file to fetch. */
export { about } from './about.ts';
export { ask } from './ask.ts';
export { device } from './device.ts';
export { history } from './history.ts';
export { keyring } from './keyring.ts';
export { models } from './models.ts';
export { network } from './network.ts';
export { news } from './news.ts';
export { plots } from './plots.ts';
export { prepaid } from './prepaid.ts';
export { search } from './search.ts';
export { wallet } from './wallet.ts';
export { work } from './work.ts';
