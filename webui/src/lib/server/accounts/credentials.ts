import { z } from 'zod';

const USERNAME = 'A username has 3 to 32 characters: letters from a to z, digits, _ and -.';

const username = z
  .string('A username is needed.')
  .trim()
  .min(1, 'A username is needed.')
  .toLowerCase()
  .regex(/^[a-z0-9_-]{3,32}$/, USERNAME);

const PASSWORD_MIN = 8;
/** In characters. A limit at all, because hashing takes longer the more there is to hash. */
const PASSWORD_MAX = 256;

/** Code points, not UTF-16 units: an emoji counts once. */
const characters = (text: string): number => Array.from(text).length;

const password = z
  .string('A password is needed.')
  .refine((typed) => characters(typed) >= PASSWORD_MIN, `A password has at least ${PASSWORD_MIN} characters.`)
  .refine((typed) => characters(typed) <= PASSWORD_MAX, `A password has at most ${PASSWORD_MAX} characters.`);

/** What a new account may be called and locked with. */
export const signUpInput = z.strictObject({ username, password });

/**
 * What is tried at the door: only that there is something. Rules for new names and passwords would say which accounts
 * cannot exist, and may change while accounts stay.
 */
export const logInInput = z.strictObject({
  username: z
    .string('A username is needed.')
    .trim()
    .min(1, 'A username is needed.')
    .max(256, 'No username is that long.')
    .toLowerCase(),
  password: z
    .string('A password is needed.')
    .min(1, 'A password is needed.')
    .max(1024, 'No password is that long.'),
});
