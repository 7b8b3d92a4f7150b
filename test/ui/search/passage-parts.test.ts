/** How a passage is drawn: headings without their marks, one sentence marked, and nothing else lost or changed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HEADING } from '../../../src/client/texts-index/cut.ts';
import { partsOf } from '../../../src/ui/ask/search/passage-parts.ts';

const TEXT =
  '# The pile\n\nDiscs of zinc. Cloth lay between.\n\n## Frogs\n#no heading\nLegs moved.\n';

test('headings stand without their marks; the best sentence is marked where it stands', () => {
  const from = TEXT.indexOf('Cloth');
  expect(partsOf(TEXT, { from, to: from + 'Cloth lay between.'.length })).toEqual([
    { as: 'heading', text: 'The pile\n' },
    { as: 'plain', text: 'Discs of zinc. ' },
    { as: 'best', text: 'Cloth lay between.' },
    { as: 'plain', text: '\n\n' },
    { as: 'heading', text: 'Frogs\n' },
    { as: 'plain', text: '#no heading\nLegs moved.\n' },
  ]);
});

test('without a best sentence, and of any text, only marks and blank lines after headings are lost', () => {
  const line = fc.oneof(fc.string(), fc.constantFrom('# a', '####### b', '   ## c', '#', ''));
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const text = lines.join('\n');
      const shown = partsOf(text, undefined).map((part) => part.text);
      let isUnder = false;
      const left = text.split(/(?<=\n)/).map((each) => {
        const isHeading = HEADING.test(each);
        isUnder = isHeading || (isUnder && !each.trim());
        return isUnder && !isHeading ? '' : each.replace(HEADING, '');
      });
      expect(shown.join('')).toBe(left.join(''));
    }),
  );
});
