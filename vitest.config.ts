import { defineConfig } from 'vitest/config';

/**
 * Unit tests stand beside the code and run from source (condition `source` of the workspaces' exports), so no build
 * comes first. The journeys in `test/` start the built platform and run one at a time.
 */
const source = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'node'] } },
};

const unit = (name: string, root: string) => ({
  ...source,
  test: { name, root, include: ['src/**/*.test.ts'], testTimeout: 30_000, hookTimeout: 60_000 },
});

export default defineConfig({
  test: {
    projects: [
      unit('charts', 'charts-src'),
      unit('controller', 'controller'),
      unit('engine', 'runtime/engine'),
      unit('webui', 'webui'),
      {
        ...source,
        test: {
          name: 'image',
          root: 'test/image',
          include: ['**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...source,
        test: {
          name: 'journeys',
          root: 'test',
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', 'image/**'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
