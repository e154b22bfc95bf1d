import { SESSION_ID, shareAccess } from '@fullstackagent/controller/contract';
import { z } from 'zod';

/** Who may use a link: whoever has it, or only people who are signed in here. */
export const shareAudience = z.enum(['anyone', 'accounts']);

const DAY_MINUTES = 24 * 60;

/** One line, as people write names. What turns the direction of text around could make one name look like another. */
const line = (what: string, most: number) =>
  z
    .string(`${what} is needed.`)
    .trim()
    .min(1, `${what} is needed.`)
    .max(most, `${what} has at most ${most} characters.`)
    .regex(/^[^\p{Cc}\u2028-\u202e\u2066-\u2069]*$/u, `${what} is one line without control characters.`);

export const createShareInput = z.strictObject({
  session: z.string().regex(SESSION_ID, 'A terminal session is called by 1 to 64 letters, digits, _ and -.'),
  label: line('The name of the shell', 40),
  access: shareAccess,
  audience: shareAudience,
  expiresInMinutes: z
    .int('A whole number of minutes is needed.')
    .min(5, 'A link works for five minutes at least.')
    .max(7 * DAY_MINUTES, 'A link works for seven days at most.'),
});
export type CreateShareInput = z.output<typeof createShareInput>;

const secret = z.string('The secret part of the link is needed.').max(200);

export const previewShareInput = z.strictObject({ secret });

/** `name`: how a guest without an account wants to be called. */
export const joinShareInput = z.strictObject({ secret, name: line('Your name', 40).optional() });
