import { z } from 'zod';
import { visibility } from './exposure.js';
import { hostName } from './names.js';
import { variables } from './variables.js';

/** A digest says which bytes run; a tag says which bytes somebody meant at some time. */
const imageByDigest = z
  .string()
  .max(512)
  .regex(
    /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+@sha256:[0-9a-f]{64}$/,
    'An image is written like "registry.example.com/team/blog@sha256:…", with its registry and its digest.',
  );

const REPLICAS_MAX = 50;
/** Attempts at a release that works, each with other variables, before what runs since the last one loses its own. */
export const FORMER_MAX = 3;

/** The app as others use it: an image that was built once, in as many pods as it needs, under an address of its own. */
export const releaseSchema = z
  .strictObject({
    image: imageByDigest,
    /** At least so many pods; 0: it is there, and nothing runs. */
    replicas: z.int().min(0).max(REPLICAS_MAX),
    /** So many under load; absent: as many as `replicas`. */
    maxReplicas: z.int().min(1).max(REPLICAS_MAX).optional(),
    /** `https://<host>.<domain>`: like the project's own host, drawn once, unique in the installation. */
    host: hostName,
    /** Its own, not the sandbox's: what is tried out there must not reach those who use the app. */
    env: variables,
    /**
     * Variables of the releases before it, where they differ, newest first. While a release does not come up, the pods of
     * an older one answer, and need their own variables whenever they start again. Kept by the controller.
     */
    formerEnv: z.array(variables).min(1).max(FORMER_MAX).optional(),
    /** Where the app listens; also in its variable `PORT`. Absent: 3000. */
    port: z.int().min(1024).max(65535).optional(),
    /** One of the platform's sandbox sizes. */
    preset: z.string().min(1).max(32),
    /** Whether it gets the project's database, with the same variables as the sandbox. */
    database: z.boolean().optional(),
    /** Absent: public. */
    visibility: visibility.optional(),
  })
  .refine(
    ({ replicas, maxReplicas }) => maxReplicas === undefined || (replicas > 0 && maxReplicas >= replicas),
    { path: ['maxReplicas'], message: 'maxReplicas is at least replicas, which is at least 1.' },
  );
