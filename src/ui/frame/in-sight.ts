/** Attached to what a press brings: below the edge of a small screen it would come unseen. */
export const inSight = (element: HTMLElement): void => element.scrollIntoView({ block: 'nearest' });
