/**
 * What the text sets are made of, each file by its hash: package descriptions, manual pages, WordNet and documents
 * as Debian 12.15 has them. Debian moves; what it has replaced stays at snapshot.debian.org.
 */
import type { Pinned } from '../fetch/source.ts';

const DEBIAN = 'https://deb.debian.org/debian';
const KEPT = 'https://snapshot.debian.org/archive/debian/20260801T000000Z';

const described = (part: string, file: string, sha256: string, bytes: number): Pinned => ({
  name: `${part}-${file}`,
  sha256,
  bytes,
  sources: [
    `${DEBIAN}/dists/bookworm/${part}/i18n/by-hash/SHA256/${sha256}`,
    `${KEPT}/dists/bookworm/${part}/i18n/${file}`,
  ],
});

const packaged = (path: string, sha256: string, bytes: number): Pinned => ({
  name: path.slice(path.lastIndexOf('/') + 1),
  sha256,
  bytes,
  sources: [`${DEBIAN}/pool/main/${path}`, `${KEPT}/pool/main/${path}`],
});

/** Package descriptions to measure on, by language. */
export const DESCRIPTIONS = {
  en: described(
    'main',
    'Translation-en.xz',
    'a3d4a0bfd8e9242810b0885eda7c1a6e05dac15b333ddbaab03ba56f2dfa4bf0',
    6_107_304,
  ),
  it: described(
    'main',
    'Translation-it.bz2',
    'f01a5f14992838ff8140da6e025c514c900c4f55d3169d5ef1710ed2deee2bde',
    5_291_861,
  ),
  de: described(
    'main',
    'Translation-de.bz2',
    '2cc65c7f8b85d8a2964c3735bbf86be79bfd3342ef8908150e268137fe5dac7f',
    1_748_338,
  ),
  fr: described(
    'main',
    'Translation-fr.bz2',
    '3248f0206d704300067e35cc2d4380dc1f1b418b5b9f446c3d42424b98d0abad',
    2_728_394,
  ),
  es: described(
    'main',
    'Translation-es.bz2',
    'b093780b45057500d70ffaa61aaf2ec4ccb7cca2f7af7a678e79e0a5f49ab81f',
    302_938,
  ),
  ru: described(
    'main',
    'Translation-ru.bz2',
    'ab6fafa41c806fc3189dd41767dfa4202bd8e80e9d0286f85b00bafadb620ec7',
    458_742,
  ),
  ja: described(
    'main',
    'Translation-ja.bz2',
    'faae0d44702fdb794a53aa689e1334d9b1ecd96f9d042b89bd67fa97a86e7c6c',
    753_577,
  ),
  da: described(
    'main',
    'Translation-da.bz2',
    '2e721d886e2830ab7dfd2c57142bbcbdcca936a17f06c8354cdbcb1bd38c479d',
    5_319_224,
  ),
  uk: described(
    'main',
    'Translation-uk.bz2',
    '38cae54127841ee549148a76d84db30ce134590bee0622acdf778ebd4eab00d7',
    539_508,
  ),
} as const;

export const MANUALS: readonly Pinned[] = [
  packaged(
    'm/manpages/manpages_6.03-2_all.deb',
    'efa1ba4cd19ad7baeae959c9209a7eb74be2ebb858bcabb412597bfc9f588c91',
    1_331_652,
  ),
  packaged(
    'm/manpages/manpages-dev_6.03-2_all.deb',
    '96f55cb5e26231d5567c89b692bced63825a14a2d5bd18fdf16ea2ed44eb9838',
    2_030_264,
  ),
  packaged(
    'g/git/git-man_2.39.5-0+deb12u3_all.deb',
    '904dbd8dbc3db34c6780fb0abfe35816d4a90a490126ef0a055a77a0c5dcab82',
    2_053_236,
  ),
];

export const WORDNET = packaged(
  'w/wordnet/wordnet-base_3.0-37_all.deb',
  '61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752',
  6_467_132,
);

/** Packages whose documents language models are measured on, by name. */
export const DOCUMENTS: Readonly<Record<string, Pinned>> = {
  anarchism: packaged(
    'a/anarchism/anarchism_15.3-3_all.deb',
    'cf21c10948b00e923c62eb31c39a3390413fa26c5ee0e3b925feb0ec7fe42948',
    6_915_556,
  ),
  'developers-reference': packaged(
    'd/developers-reference/developers-reference_12.18_all.deb',
    '0dba82f6fa16e373f2a84ad07e7971aa9264ad2e7d2ae46b37edbc9c5fd57e2e',
    1_117_500,
  ),
  fortunes: packaged(
    'f/fortune-mod/fortunes_1.99.1-7.3_all.deb',
    '41d0551dc0ff52f875a2ecef7c39da2f672ab468c37e170119f7e0245a9d63c5',
    848_988,
  ),
  'harden-doc': packaged(
    'h/harden-doc/harden-doc_3.19+nmu1_all.deb',
    '77ffacb6f8af4afbdf39f3de6040a710ae6ffcc40e2fab5b5d312dfb11d28d94',
    964_036,
  ),
  'libpython3.11-stdlib': packaged(
    'p/python3.11/libpython3.11-stdlib_3.11.2-6+deb12u8_amd64.deb',
    '890b3540dad8a1ccc0deeca025db735bcc82629a76adacbe3b50fcc06ed528ca',
    1_798_560,
  ),
  miscfiles: packaged(
    'm/miscfiles/miscfiles_1.5+dfsg-4_all.deb',
    'b29fdc907760ded52adbc1b4322da22b94108cd124caf0b23da8c23cc3578a28',
    1_305_404,
  ),
  'node-underscore': packaged(
    'u/underscore/node-underscore_1.13.4~dfsg+~1.11.4-3_all.deb',
    '5cab162ca645c4736f11f87075c64cd69aaa1bad869b8bfaaf23c7e4c4136ecf',
    119_860,
  ),
  'wesnoth-1.16-dm': packaged(
    'w/wesnoth-1.16/wesnoth-1.16-dm_1.16.9-1_all.deb',
    '1997ad4d91e8de36415db2a3445904288f588a76d75111222d2aace409ace5c6',
    5_388_248,
  ),
  'wesnoth-1.16-dw': packaged(
    'w/wesnoth-1.16/wesnoth-1.16-dw_1.16.9-1_all.deb',
    '47982e08b2a5d5fd79f400a5453f32c6d7dd56f2ccc10412a9e47dec8a9b3ca4',
    5_178_324,
  ),
  'wesnoth-1.16-l': packaged(
    'w/wesnoth-1.16/wesnoth-1.16-l_1.16.9-1_all.deb',
    '5383c79046df6121929bc36a8ec3f970ab4cf9c1239ed9b31868201c27f4266d',
    5_510_536,
  ),
};
