import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const styles = globSync('src/ui/**/*.{svelte,css}').map(
  (file) => [file, readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '')] as const,
);

it('there is one motion: a disc drops, in 180 ms', () => {
  const motions = styles.flatMap(([file, text]) =>
    [...text.matchAll(/^\s*(?:animation|transition)[\w-]*: (?!none)(.+);$/gm)].map(
      ([, motion]) => `${file}: ${motion}`,
    ),
  );
  expect(motions.sort()).toEqual([
    // Nothing moves: a text appears where the app did not.
    'src/ui/style.css: app-missing 0s 5s forwards',
    'src/ui/work/PileDrawing.svelte: drop 180ms ease-out',
  ]);
});

it('numbers change on events alone: nothing else ticks', () => {
  const files = globSync('src/ui/**/*.{ts,svelte}');
  const ticking = files.filter((file) =>
    /setInterval|requestAnimationFrame/.test(readFileSync(file, 'utf8')),
  );
  // The clock of ages; a look at the page's own frames; the search for a new version.
  expect(ticking.sort()).toEqual([
    'src/ui/App.svelte',
    'src/ui/frame/update.svelte.ts',
    'src/ui/work/care/sensors.ts',
  ]);
});

it('and none where motion is not wanted', () => {
  const [, sheet] = styles.find(([file]) => file.endsWith('style.css'))!;
  const [, reduced] = sheet.split('@media (prefers-reduced-motion: reduce) {');
  expect(reduced).toMatch(
    /\*,\s+\*::before,\s+\*::after {\s+animation: none !important;\s+transition: none !important;/,
  );
});
