/** What the program is made of, as its build knows it: its version, and who made its models from what. */
import * as lingua from '../../../models/lingua/manifest.json';
import * as minilm from '../../../models/minilm/manifest.json';
import * as polyglot from '../../../models/polyglot/manifest.json';
import served from '../../../models/served.json' with { type: 'json' };
import * as tiny from '../../../models/tiny/manifest.json';
export { license, version } from '../../../package.json';

interface Made {
  readonly name: string;
  readonly licence: string;
  readonly attribution: string;
}

const mined = [lingua, polyglot, minilm, tiny].map(({ name, licence, attribution }): Made => {
  return { name, licence, attribution };
});

/** Mined models and language models that the program names, whether or not they are on this device. */
export const MODELS_MADE: readonly Made[] = [...mined, ...served];

/** Beside the page: the texts of the licences of all packages that the build took in. */
export const LICENCES_FILE = './licences.txt';
