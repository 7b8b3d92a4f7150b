/** The Ask screen and receipts. */
export const ask = {
  title: 'Ask',
};
