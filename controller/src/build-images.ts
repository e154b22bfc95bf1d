import type { Logger } from 'pino';
import type { Config } from './config.js';
import { pushImage, RegistryError } from './registry/index.js';
import type { Runner } from './sandbox/exec-stream.js';
import { ImageBuilds } from './sandbox/image-builds.js';

interface Parts {
  readonly sandbox: Runner;
  readonly config: Pick<Config, 'registryCredentialsFile'>;
  readonly log: Pick<Logger, 'error'>;
}

/** Built in a sandbox, pushed from here: the credential of the registry is never where a workspace's code runs. */
export function imageBuilds({ sandbox, config, log }: Parts): ImageBuilds {
  return new ImageBuilds({
    sandbox,
    push: async (image) => {
      try {
        return await pushImage(image, config.registryCredentialsFile);
      } catch (error) {
        throw error instanceof RegistryError ? error.toAppError() : error;
      }
    },
    now: () => new Date(),
    onUnexpected: (error) => {
      log.error({ err: error }, 'an image could not be built');
    },
  });
}
