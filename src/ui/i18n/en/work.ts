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
    away: 'Work only when I am away',
    awayWhy:
      'The browser tells this page whether anybody uses the keyboard or the mouse, and whether the screen is locked: ' +
      'never what is done. Work waits until nobody has been there for a minute.',
    awayRefused:
      'The browser does not allow it. You can change that in its settings for this site, under “Your device use”.',
  },
};
export type WorkText = typeof work;
