import { defineConfig } from 'vitest/config';

/**
 * Unit tests stand beside the code and run from source (condition `source` of the workspaces' exports), so no build
 * comes first. The journeys in `test/` start the built platform and run one at a time.
 */
const source = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'node'] } },
};

/**
 * How long to wait in vain, never how long something may take: on a machine that is busy with other things a process
 * starts in seconds. `expect.poll` gives up after one by itself.
 */
const patience = {
  testTimeout: 90_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 30_000, interval: 20 } },
};

const unit = (name: string, root: string) => ({
  ...source,
  test: { name, root, include: ['src/**/*.test.ts'], ...patience },
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
          ...patience,
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
