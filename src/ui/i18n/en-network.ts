/** The Network screen and the explorer. */
export const network = {
  title: 'Network',
};
