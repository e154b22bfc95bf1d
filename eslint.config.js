import { join } from 'node:path';
import js from '@eslint/js';
import globals from 'globals';
import importX from 'eslint-plugin-import-x';
import svelte from 'eslint-plugin-svelte';
import tseslint from 'typescript-eslint';

/**
 * The controller's stages never import each other: `reconcile/`, `api/` and the composition root put them together.
 * What several stages share (types, errors) is in `contract/` and `model/`.
 */
const stages = ['intent', 'render', 'git', 'deliver', 'observe', 'status', 'sandbox', 'registry'];
const zones = stages.map((stage) => ({
  target: `./controller/src/${stage}`,
  from: ['reconcile', 'api', 'serve', 'remote', ...stages.filter((other) => other !== stage)].map(
    (other) => `./controller/src/${other}`,
  ),
  message: `${stage}/ is a stage: it gets what it needs as an argument (ARCHITECTURE.md, "Imports follow the data").`,
}));

/** A workspace imports what it declares itself, and the tools (vitest, types) that the root declares for all of them. */
const root = import.meta.dirname;
const declaredImports = ['charts-src', 'controller', 'runtime/engine', 'webui', 'test'].map((workspace) => ({
  files: [`${workspace}/**/*.ts`],
  plugins: { 'import-x': importX },
  rules: {
    'import-x/no-extraneous-dependencies': ['error', { packageDir: [root, join(root, workspace)] }],
  },
}));

/** The same list for every file: where it changes from one file to the next, TypeScript loads all projects anew. */
const extraFileExtensions = ['.svelte'];

const smallRooms = {
  'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
  complexity: ['error', 10],
  'max-depth': ['error', 3],
  'max-params': ['error', 3],
};

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      'webui/build/**',
      '**/.svelte-kit/**',
      '**/node_modules/**',
      '**/.fullstack-agent/**',
      'test/results/**',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['vitest.config.ts'] }, extraFileExtensions },
    },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver': {
        typescript: {
          project: ['*/tsconfig.json', 'runtime/engine/tsconfig.json'],
          noWarnOnMultipleProjects: true,
        },
      },
    },
    rules: {
      ...smallRooms,
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/only-throw-error': 'error',
      'import-x/no-cycle': ['error', { maxDepth: 10, ignoreExternal: true }],
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            ...zones,
            {
              target: './charts-src/src',
              from: ['./controller', './webui', './runtime'],
              message: 'Charts are pure: documents in, objects out.',
            },
            {
              target: './webui/src',
              from: './controller/src',
              except: ['./contract'],
              message: 'The portal knows the controller by its contract only.',
            },
            {
              target: './runtime/engine/src',
              from: ['./controller', './charts-src', './webui'],
              message: 'The engine knows manifests, not what made them.',
            },
          ],
        },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "MemberExpression[object.name='process'][property.name='env']",
          message: 'config.ts is the only reader of the environment.',
        },
      ],
    },
  },
  ...declaredImports,
  { files: ['**/config.ts', '**/*.test.ts', 'test/**'], rules: { 'no-restricted-syntax': 'off' } },
  {
    // A table of cases is long and simple; splitting it hides it.
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', 'max-lines': ['error', 500] },
  },
  {
    files: ['charts-src/src/**/*.ts'],
    ignores: ['**/*.test.ts', 'charts-src/src/synth.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['node:*'], message: 'Charts are pure: no I/O.' }] },
      ],
      'no-restricted-globals': ['error', 'process', 'Date', 'crypto', 'fetch', 'setTimeout'],
    },
  },
  ...svelte.configs.recommended,
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { parser: tseslint.parser, extraFileExtensions },
    },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      'svelte/no-navigation-without-resolve': 'off',
      'max-lines': smallRooms['max-lines'],
      // svelte-check knows the types; the core rules take a parameter's name in a type for a variable.
      'no-undef': 'off',
      'no-unused-vars': 'off',
      '@typescript-eslint/no-unused-vars': 'error',
    },
  },
  { files: ['**/*.js', '**/*.mjs'], languageOptions: { globals: globals.node }, rules: smallRooms },
  { files: ['webui/static/**/*.js'], languageOptions: { globals: globals.browser, sourceType: 'script' } },
);
