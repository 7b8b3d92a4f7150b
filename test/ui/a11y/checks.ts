/** What every screen has to be for everyone: axe's rules, room for a finger, a focus that is seen. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { en } from '../../../src/ui/i18n/en/app.ts';
import { it } from '../../../src/ui/i18n/it/app.ts';

/** CSS px of a target's sides (WCAG 2.2, 2.5.8). */
const TARGET_PX_MIN = 24;
/** CSS px at which nothing may scroll sideways (WCAG 2.2, 1.4.10). */
export const NARROWEST_PX = 320;
/** Presses of Tab that go round any screen. */
const TABS_MAX = 120;

/** Violations of axe's rules, the size of targets with them. */
export async function axeFaults(page: Page): Promise<string[]> {
  const axe = new AxeBuilder({ page }).setLegacyMode(true);
  const { violations } = await axe
    .options({ rules: { 'target-size': { enabled: true } } })
    .analyze();
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** Controls that are smaller than a finger needs; links within a sentence are axe's. */
export const smallTargets = (page: Page): Promise<string[]> =>
  page.evaluate((min) => {
    const controls = 'button, select, summary, nav a, .button, input:not([type=hidden])';
    const all = [...document.querySelectorAll<HTMLElement>(controls)];
    return all
      .filter((element) => element.checkVisibility({ visibilityProperty: true }))
      .flatMap((element) => {
        const { width, height } = (element.closest('label') ?? element).getBoundingClientRect();
        if (width >= min && height >= min) return [];
        return [`target ${Math.round(width)}×${Math.round(height)}: ${element.outerHTML}`];
      });
  }, TARGET_PX_MIN);

/**
 * Figures that no evidence stands behind: none in the section they are in, none at the end of a link in
 * their line. A payment's own terms in a sheet are what is signed, not something known.
 */
export const unexplainedFigures = (page: Page): Promise<string[]> =>
  page.evaluate(
    (titles) => {
      const isEvidence = (element: Element): boolean =>
        titles.includes(element.textContent.split(':')[0]!.trim());
      const explains = (element: Element): boolean =>
        [...element.querySelectorAll('summary, a')].some(isEvidence);
      const isExplained = (figure: Element): boolean => {
        if (figure.closest('li')?.querySelector('a[href^="#/"]')) return true;
        let around: Element | null = figure;
        while (around && around.tagName !== 'MAIN') {
          if (explains(around)) return true;
          const section: Element | null = around.parentElement;
          around = around.matches('section, figure.plot, article') ? null : section;
        }
        return false;
      };
      return [...document.querySelectorAll('main :is(.figure, .figures, dl.index, figure.plot)')]
        .filter((figure) => !figure.closest('dialog') && figure.checkVisibility())
        .filter((figure) => !isExplained(figure))
        .map((figure) => `no evidence: ${figure.outerHTML}`);
    },
    [en.proof.title, it.proof.title],
  );

/** Whether the page is wider than its window, at the window's own width. */
export const sidewaysScroll = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const { scrollWidth } = document.documentElement;
    const dialog = document.querySelector('dialog[open]');
    const sheet = dialog ? dialog.scrollWidth - dialog.clientWidth : 0;
    const wide = scrollWidth > innerWidth ? [`scrolls sideways: ${scrollWidth} px`] : [];
    return sheet > 0 ? [...wide, `the sheet scrolls sideways: ${sheet} px too wide`] : wide;
  });

/**
 * How much of a button lies over the place of the one that led to it: a second click of a hand that is still
 * pressing would confirm. Screens scroll, so whatever their heights are: places have no width in common.
 * @returns the fault, if there is one
 */
export function sharedPlace(asks: Place, confirms: Place): string[] {
  const [left, right] = [
    Math.max(asks.x, confirms.x),
    Math.min(asks.x + asks.width, confirms.x + confirms.width),
  ];
  const share = Math.max(0, right - left) / asks.width;
  return share > 0 ? [`confirms where it was asked: ${Math.round(share * 100)} % overlap`] : [];
}
/** CSS px from the window's left. */
export interface Place {
  readonly x: number;
  readonly width: number;
}

/** Goes once round the screen with Tab: each stop must be marked, and not lie under something. */
export async function focusFaults(page: Page): Promise<string[]> {
  const leave = () => (document.activeElement as HTMLElement | null)?.blur();
  await page.evaluate(leave);
  const seen = new Set<string>();
  const faults: string[] = [];
  for (let presses = 0; presses < TABS_MAX; presses++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(focusedStop);
    if (!stop || seen.has(stop.id)) break;
    seen.add(stop.id);
    if (stop.fault) faults.push(`${stop.fault}: ${stop.html}`);
  }
  await page.evaluate(leave);
  if (seen.size === 0) faults.push('Tab reaches nothing');
  return faults;
}

/** In the page: what has the focus, told apart by a mark of its own; undefined at the page's end. */
function focusedStop(): { id: string; html: string; fault: string | undefined } | undefined {
  const element = document.activeElement;
  if (!(element instanceof HTMLElement) || element === document.body) return undefined;
  const marks = globalThis as unknown as { stops?: WeakMap<Element, number>; stopCount?: number };
  marks.stops ??= new WeakMap();
  if (!marks.stops.has(element))
    marks.stops.set(element, (marks.stopCount = (marks.stopCount ?? 0) + 1));
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const isMarked = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  const label = element.closest('label');
  // A link over two lines has a box on each; the middle of both together may lie beside its words.
  const isSeen = [...element.getClientRects()].every(({ x, y, width, height }) => {
    const top = document.elementFromPoint(x + width / 2, y + height / 2);
    return top !== null && (element.contains(top) || label?.contains(top) === true);
  });
  return {
    id: String(marks.stops.get(element)),
    html: element.outerHTML.slice(0, 160),
    fault: isMarked ? (isSeen ? undefined : 'focus lies hidden') : 'focus is not marked',
  };
}
