/**
 * Rules on shape, not on length: a promise that nobody awaits, a switch that forgets a case, a function with
 * too many branches or parameters. Formatting is Prettier's; folders and imports are `npm run house`.
 */
import svelte from 'eslint-plugin-svelte';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const CODE = ['**/*.ts', '**/*.svelte'];
const TYPED_ANY = [
  '@typescript-eslint/no-explicit-any',
  '@typescript-eslint/no-unsafe-argument',
  '@typescript-eslint/no-unsafe-assignment',
  '@typescript-eslint/no-unsafe-call',
  '@typescript-eslint/no-unsafe-member-access',
  '@typescript-eslint/no-unsafe-return',
];
const off = (/** @type {string[]} */ rules) => Object.fromEntries(rules.map((r) => [r, 'off']));

export default defineConfig(
  {
    // The kernel's source is AssemblyScript, which looks like TypeScript and is not.
    ignores: ['**/dist/', '**/.cache/', '**/.data/', 'stub/', '**/kernel/assembly/'],
  },
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
  },
  { files: CODE, extends: [tseslint.configs.recommendedTypeChecked] },
  svelte.configs.recommended,
  {
    files: CODE,
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.svelte'],
      },
    },
    rules: {
      complexity: ['error', 15],
      'max-depth': ['error', 4],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-fallthrough': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ObjectExpression > SpreadElement > ObjectExpression',
          message: 'Write the properties themselves, one a line.',
        },
        {
          selector: "CallExpression[callee.property.name='waitForFunction'] > [async=true]",
          message: 'A promise is true at once: poll page.evaluate.',
        },
      ],
      '@typescript-eslint/max-params': ['error', { max: 4 }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        // A `default` doesn't excuse a forgotten member of a union.
        { considerDefaultExhaustiveForUnions: false },
      ],

      // An interface that is asynchronous for one implementation is so for all.
      '@typescript-eslint/require-await': 'off',
      // Texts of diagnostics name numbers, sizes, and lists.
      '@typescript-eslint/restrict-template-expressions': 'off',
      // Most objects are closures, whose methods don't use `this`; the rule can't see that.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // What a test reads from JSON is checked by what it expects of it.
    files: ['test/**', 'e2e/**', 'examples/**'],
    rules: off(TYPED_ANY),
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      // One for both: it knows that `let { … } = $props()` may be assigned.
      'prefer-const': 'off',
      'svelte/prefer-const': ['error', { destructuring: 'all' }],
      // A component's type is `any` to the linter, so any two of them look the same.
      '@typescript-eslint/no-duplicate-type-constituents': 'off',
      // Maps in state are replaced whole (`$state.raw`); those that change are read by no screen.
      'svelte/prefer-svelte-reactivity': 'off',
      // `{' '}` is a space that formatting leaves alone.
      'svelte/no-useless-mustaches': 'off',
      // It takes the words of a reason for codes of warnings.
      'svelte/no-unused-svelte-ignore': 'off',
      // There are no stores here, only runes.
      'svelte/require-store-reactive-access': 'off',
      // The linter sees another component's module as `any`; svelte-check types it.
      ...off(TYPED_ANY),
    },
  },
);
