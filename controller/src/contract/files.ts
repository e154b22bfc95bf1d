import { z } from 'zod';
import { SESSION_ID } from './terminal.js';

const NAME_MAX_BYTES = 255;
const PATH_MAX_BYTES = 4096;

const utf8Length = (text: string): number => new TextEncoder().encode(text).length;

/**
 * Steps down from a folder, and nothing else: no `..`, no empty step, no NUL. No line end either: a shell loses those at
 * the end of what a program prints, and would look at one path and use another.
 */
export const relativePath = z
  .string()
  .min(1, 'A file needs a name.')
  .refine((path) => utf8Length(path) <= PATH_MAX_BYTES, `A path has at most ${PATH_MAX_BYTES} bytes.`)
  .refine((path) => path.isWellFormed() && !path.includes('\0'), 'A path is text without NUL bytes.')
  .refine((path) => !path.includes('\n'), 'A name has no line end in it. Rename the file first.')
  .refine(
    (path) => path.split('/').every((step) => step !== '' && step !== '.' && step !== '..'),
    'A path goes down from the folder: no "..", no "." and no empty step.',
  )
  .refine(
    (path) => path.split('/').every((step) => utf8Length(step) <= NAME_MAX_BYTES),
    `A name has at most ${NAME_MAX_BYTES} bytes.`,
  );

/** Where files go to and come from: the current folder of a terminal, or the workspace without one. */
const place = { session: z.string().regex(SESSION_ID, 'This is no terminal session.').optional() };

export const downloadQuery = z.strictObject({ ...place, path: relativePath });

const upload = {
  ...place,
  /** Path below the folder; folders on the way are made. */
  path: relativePath,
  /** Drawn by the client: what came of an interrupted upload is found again by it. */
  upload: z.string().regex(/^[A-Za-z0-9]{8,40}$/, 'An upload is called by 8 to 40 letters and digits.'),
};

const wholeNumber = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const uploadStateQuery = z.strictObject(upload);
export type UploadStateQuery = z.output<typeof uploadStateQuery>;

export const uploadQuery = z.strictObject({
  ...upload,
  /** How much the sandbox has already: what is sent begins there. */
  offset: wholeNumber.default(0),
  /** Of the whole file. */
  size: wholeNumber,
  /** Where there is a file of that name: refuse, replace it, or keep both under another name. */
  clash: z.enum(['refuse', 'replace', 'keep-both']).default('refuse'),
});
export type UploadQuery = z.output<typeof uploadQuery>;
export type DownloadQuery = z.output<typeof downloadQuery>;

/** How far an interrupted upload has come, and whether the name is taken. */
export interface UploadStateDto {
  readonly received: number;
  readonly exists: boolean;
}

export interface UploadedDto {
  /** Where it is, as the sandbox sees it. */
  readonly path: string;
}
