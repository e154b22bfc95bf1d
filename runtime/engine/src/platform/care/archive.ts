/** The first entry of an archive: what it is. */
export const ABOUT = 'backup.json';

/** Of the archive's layout. A newer one is refused by an older program. */
export const ARCHIVE_VERSION = 1;
