/** Texts of the work: a pause for a time, and what it does with nobody there. */
export const work = {
  pause: {
    label: 'Pause for a time',
    hour: 'One hour',
    tomorrow: (time: string) => `Until tomorrow, ${time}`,
    stay: 'Stay paused',
  },
  unattended: {
    title: 'With nobody there',
    goOn: 'Go on after a reload',
    goOnWhy:
      'When this page is opened again and work was on, it goes on by itself: also after a restart of the ' +
      'browser, and after a pause for a time. Otherwise it begins paused, until you press Start.',
  },
};
export type WorkText = typeof work;
